/** Megabytes that are really held: heap and buffers after collecting garbage. A bench's process has `--expose-gc`. */
export function liveMegabytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}
