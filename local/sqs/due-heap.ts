/** Things with a due time, the earliest first. */
export class DueHeap<T> {
  private readonly entries: { readonly at: number; readonly order: number; readonly item: T }[] = [];
  private order = 0;

  push(at: number, item: T): void {
    const { entries } = this;
    const entry = { at, order: this.order++, item };
    let i = entries.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(entry, entries[parent]!)) break;
      entries[i] = entries[parent]!;
      i = parent;
    }
    entries[i] = entry;
  }

  /** When the earliest is due, or undefined when there is none. */
  next(): number | undefined {
    return this.entries[0]?.at;
  }

  pop(): T | undefined {
    const { entries } = this;
    const top = entries[0];
    const last = entries.pop();
    if (top === undefined || last === undefined || entries.length === 0) return top?.item;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && before(entries[child + 1]!, entries[child]!)) child++;
      if (!before(entries[child]!, last)) break;
      entries[i] = entries[child]!;
      i = child;
    }
    entries[i] = last;
    return top.item;
  }

  clear(): void {
    this.entries.length = 0;
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
