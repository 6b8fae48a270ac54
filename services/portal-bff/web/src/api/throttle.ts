/**
 * throttled calls f at once, and then at most once in each span of ms for the same
 * key; calls in between are made up for by one at the span's end.
 */
export function throttled(f: (key: string) => void, ms: number): (key: string) => void {
  const again = new Map<string, boolean>();
  const call = (key: string) => {
    again.set(key, false);
    f(key);
    setTimeout(() => {
      const owed = again.get(key);
      again.delete(key);
      if (owed) call(key);
    }, ms);
  };
  return (key) => {
    if (again.has(key)) again.set(key, true);
    else call(key);
  };
}
