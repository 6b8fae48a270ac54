/** How a list of the library is ordered; "server" is as the store gives it. */
export type Order = 'server' | 'name' | 'newest' | 'oldest';

/** sortRows orders the rows that are loaded, without changing what it is given. */
export function sortRows<T>(
  rows: T[],
  order: Order,
  name: (row: T) => string,
  created: (row: T) => bigint,
): T[] {
  const byAge = (a: T, b: T) => (created(a) < created(b) ? -1 : created(a) > created(b) ? 1 : 0);
  switch (order) {
    case 'name':
      return rows.toSorted((a, b) => name(a).localeCompare(name(b), undefined, { numeric: true }));
    case 'newest':
      return rows.toSorted((a, b) => byAge(b, a));
    case 'oldest':
      return rows.toSorted(byAge);
    default:
      return rows;
  }
}
