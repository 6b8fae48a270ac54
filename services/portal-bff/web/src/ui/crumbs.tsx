import {
  createContext,
  type Dispatch,
  type ReactNode,
  type SetStateAction,
  useContext,
  useEffect,
  useState,
} from 'react';

/** One step of the way to where the user is. */
export interface Crumb {
  readonly label: string;
  readonly to?: string;
}

const CrumbsContext = createContext<{ crumbs: Crumb[]; setCrumbs: Dispatch<SetStateAction<Crumb[]>> }>({
  crumbs: [],
  setCrumbs: () => {},
});

/** CrumbsProvider lets a page name itself in the bar above it. */
export function CrumbsProvider({ children }: { children: ReactNode }) {
  const [crumbs, setCrumbs] = useState<Crumb[]>([]);
  return <CrumbsContext.Provider value={{ crumbs, setCrumbs }}>{children}</CrumbsContext.Provider>;
}

/** useCrumbs gives the way to where the user is. */
export function useCrumbs(): Crumb[] {
  return useContext(CrumbsContext).crumbs;
}

/** usePageName names the page in the bar, the tab and the history. */
export function usePageName(label: string, parent?: Crumb) {
  const { setCrumbs } = useContext(CrumbsContext);
  const parentLabel = parent?.label;
  const parentTo = parent?.to;
  useEffect(() => {
    const up = parentLabel === undefined ? [] : [{ label: parentLabel, to: parentTo }];
    setCrumbs([...up, { label }]);
    document.title = `${label} · Grainmesh`;
  }, [label, parentLabel, parentTo, setCrumbs]);
}
