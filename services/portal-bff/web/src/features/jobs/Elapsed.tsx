import { useEffect, useState } from 'react';
import { elapsed } from '@/ui/format';

/** Elapsed counts the seconds since an instant while somebody looks. */
export function Elapsed({ since }: { since: bigint }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor(now / 1000 - Number(since) / 1e9));
  return <span>{seconds < 60 ? `${seconds} s` : elapsed(BigInt(seconds) * 1_000_000_000n)}</span>;
}
