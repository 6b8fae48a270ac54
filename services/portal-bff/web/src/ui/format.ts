const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** bytes writes a size in units of 1000, with three figures: "1.24 GB". */
export function bytes(n: bigint | number): string {
  let value = Number(n);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** bitRate writes a rate given in 1000 bit/s: "4.2 Mb/s". */
export function bitRate(kilobits: bigint | number): string {
  const k = Number(kilobits);
  if (k >= 1_000_000) return `${(k / 1_000_000).toFixed(2)} Gb/s`;
  if (k >= 1000) return `${(k / 1000).toFixed(1)} Mb/s`;
  return `${k} kb/s`;
}

/** elapsed writes a length of time in the two largest units that matter. */
export function elapsed(ns: bigint | number): string {
  const ms = Number(ns) / 1e6;
  if (ms === 0) return '0 s';
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(2)} s`;
  if (s < 60) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });

/** when writes an instant so that a column of them lines up: "24 Jul 03:12:45". */
export function when(unixNs: bigint): string {
  if (unixNs === 0n) return '';
  const date = new Date(Number(unixNs / 1_000_000n));
  return `${day.format(date)} ${clock.format(date)}`;
}

/** whenFull writes an instant with its year and zone, for a tooltip. */
export function whenFull(unixNs: bigint): string {
  return unixNs === 0n ? '' : full.format(new Date(Number(unixNs / 1_000_000n)));
}

/** timeOfDay writes the time of a Date.now(). */
export function timeOfDay(ms: number): string {
  return clock.format(new Date(ms));
}

/** percent is a whole number that reaches 100 only when all is done. */
export function percent(done: bigint | number, total: bigint | number): number {
  const t = Number(total);
  if (t <= 0) return 0;
  return Math.min(100, Math.floor((Number(done) / t) * 100));
}

/** fileName is the last part of a URL's path, or the URL itself. */
export function fileName(url: string): string {
  const path = url.split(/[?#]/)[0] ?? url;
  const last = path.split('/').filter(Boolean).at(-1) ?? url;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** count writes a number with its noun: "1 chunk", "2,400 chunks". */
export function count(n: number | bigint, noun: string): string {
  return `${n.toLocaleString('en-GB')} ${noun}${Number(n) === 1 ? '' : 's'}`;
}

/** program is the command line's name as `make up` prints it, from the folder of the mesh. */
export const program = '.bin/grainmesh';

/** shellQuote makes an argument safe to paste into a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
