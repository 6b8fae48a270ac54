import { useCallback, useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';

/**
 * useUrlState keeps one value of a page in its address, so that the page can be
 * sent to a colleague as it is. Defaults leave no trace there.
 */
export function useUrlState(name: string, fallback = ''): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          if (value === fallback) next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      ),
    [name, fallback, setParams],
  );
  return [params.get(name) ?? fallback, set];
}

/** useDelayedUrlState is for text fields: the address follows after a pause. */
export function useDelayedUrlState(name: string): [string, string, (value: string) => void] {
  const [settled, setSettled] = useUrlState(name);
  const [typed, setTyped] = useState(settled);
  useEffect(() => setTyped(settled), [settled]);
  useEffect(() => {
    if (typed === settled) return;
    const timer = setTimeout(() => setSettled(typed), 200);
    return () => clearTimeout(timer);
  }, [typed, settled, setSettled]);
  return [settled, typed, setTyped];
}
