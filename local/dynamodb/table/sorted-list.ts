/** What a sorted list holds: ordered by `order`, then by `tie`, by code unit. */
export interface Sorted {
  readonly order: string;
  readonly tie: string;
}

const CHUNK = 256;

/** A place in the list; `chunk` equals the number of chunks at the end. */
export interface Position {
  chunk: number;
  offset: number;
}

/** Entries in order, in chunks of a few hundred, so that an insertion anywhere moves little, whatever the length. */
export class SortedList<T extends Sorted> {
  #chunks: T[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The first place whose entry is not before (order, tie). */
  seek(order: string, tie: string): Position {
    return this.first((entry) => entry.order > order || (entry.order === order && entry.tie >= tie));
  }

  /** The first place whose entry fulfils a condition that, once true, stays true to the end. */
  first(holds: (entry: T) => boolean): Position {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = chunks[middle]!;
      if (holds(chunk[chunk.length - 1]!)) high = middle;
      else low = middle + 1;
    }
    const chunk = chunks[low];
    if (chunk === undefined) return { chunk: low, offset: 0 };
    let from = 0;
    let to = chunk.length - 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (holds(chunk[middle]!)) to = middle;
      else from = middle + 1;
    }
    return { chunk: low, offset: from };
  }

  start(): Position {
    return { chunk: 0, offset: 0 };
  }

  end(): Position {
    return { chunk: this.#chunks.length, offset: 0 };
  }

  at({ chunk, offset }: Position): T | undefined {
    return this.#chunks[chunk]?.[offset];
  }

  /** Moves the position on, in place. */
  forward(position: Position): void {
    position.offset++;
    if (position.offset < (this.#chunks[position.chunk]?.length ?? 0)) return;
    position.chunk++;
    position.offset = 0;
  }

  /** Moves the position back, in place; false when it was at the start. */
  back(position: Position): boolean {
    if (position.offset > 0) {
      position.offset--;
      return true;
    }
    if (position.chunk === 0) return false;
    position.chunk--;
    position.offset = this.#chunks[position.chunk]!.length - 1;
    return true;
  }

  get(order: string, tie: string): T | undefined {
    const entry = this.at(this.seek(order, tie));
    return entry !== undefined && entry.order === order && entry.tie === tie ? entry : undefined;
  }

  /** Puts the entry in the place of its equal, or between its neighbours. */
  set(entry: T): void {
    const chunks = this.#chunks;
    const last = chunks[chunks.length - 1];
    const top = last?.[last.length - 1];
    const behind = top === undefined || top.order < entry.order || (top.order === entry.order && top.tie < entry.tie);
    if (behind) {
      // Most keys grow: a full chunk at the end stays full, a new one begins.
      if (last === undefined || last.length >= CHUNK) chunks.push([entry]);
      else last.push(entry);
      this.#size++;
      return;
    }
    const position = this.seek(entry.order, entry.tie);
    const chunk = chunks[position.chunk]!;
    const found = chunk[position.offset]!;
    if (found.order === entry.order && found.tie === entry.tie) {
      chunk[position.offset] = entry;
      return;
    }
    chunk.splice(position.offset, 0, entry);
    this.#size++;
    if (chunk.length > 2 * CHUNK) chunks.splice(position.chunk + 1, 0, chunk.splice(CHUNK));
  }

  delete(order: string, tie: string): boolean {
    const position = this.seek(order, tie);
    const chunk = this.#chunks[position.chunk];
    const found = chunk?.[position.offset];
    if (chunk === undefined || found === undefined || found.order !== order || found.tie !== tie) return false;
    chunk.splice(position.offset, 1);
    if (chunk.length === 0) this.#chunks.splice(position.chunk, 1);
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }
}
