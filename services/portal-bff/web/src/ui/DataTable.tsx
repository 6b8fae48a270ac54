import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'react-router';
import classes from './DataTable.module.css';

const ROW_HEIGHT = 32;
const NARROW = '(max-width: 760px)';
/** The next page is asked for while this many rows are still below. */
const AHEAD = 30;

/** One column of a DataTable. */
export interface Column<T> {
  readonly key: string;
  readonly header: string;
  /** A grid track: "minmax(200px, 3fr)" or "120px". */
  readonly width: string;
  readonly cell: (row: T) => ReactNode;
  readonly align?: 'right';
  /** Left out on a narrow screen, where the first columns would be cut. */
  readonly wideOnly?: boolean;
  /** Set where a click on the header sorts by this column. */
  readonly sort?: { direction: 'ascending' | 'descending' | 'none'; toggle: () => void };
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  /** The row's own address; the whole row is its link. */
  rowHref: (row: T) => string;
  hasMore: boolean;
  loadMore: () => void;
}

/**
 * DataTable draws only the rows in view, so that lists of any length scroll as
 * lists of ten do. Rows are links; arrow keys, Home and End go from row to row.
 */
export function DataTable<T>({ label, columns: all, rows, rowKey, rowHref, hasMore, loadMore }: Props<T>) {
  const narrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
  const columns = narrow ? all.filter((c) => !c.wideOnly) : all;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    // The head scrolls with the rows, and sticks.
    scrollMargin: ROW_HEIGHT,
    scrollPaddingStart: ROW_HEIGHT,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= rows.length - AHEAD) loadMore();
  }, [hasMore, last, rows.length, loadMore]);

  const template = columns.map((c) => c.width).join(' ');
  const onKeyDown = (e: KeyboardEvent) => {
    const target = nextRow(e.key, focusedRow(e.target), rows.length);
    if (target === undefined) return;
    e.preventDefault();
    virtual.scrollToIndex(target);
    // The row may have to be drawn before it can be focused.
    requestAnimationFrame(() =>
      scroller.current
        ?.querySelector<HTMLElement>(`[data-index="${target}"] a`)
        ?.focus({ preventScroll: true }),
    );
  };

  return (
    <div
      ref={scroller}
      className={classes.table}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className={classes.head}>
        <div role="row" className={classes.headRow} style={{ gridTemplateColumns: template }}>
          {columns.map((c) => (
            <HeaderCell key={c.key} column={c} />
          ))}
        </div>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize() }} className={classes.rows}>
        {items.map(({ index, start }) => {
          const row = rows[index] as T;
          const style = {
            gridTemplateColumns: template,
            transform: `translateY(${start - ROW_HEIGHT}px)`,
          };
          return (
            <div
              key={rowKey(row)}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              className={classes.row}
              style={style}
            >
              <Cells row={row} columns={columns} href={rowHref(row)} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Cells<T>({ row, columns, href }: { row: T; columns: Column<T>[]; href: string }) {
  return columns.map((c, i) => (
    <div key={c.key} role="cell" className={classes.cell} data-align={c.align}>
      {i === 0 ? (
        <Link to={href} className={classes.link}>
          {c.cell(row)}
        </Link>
      ) : (
        c.cell(row)
      )}
    </div>
  ));
}

function HeaderCell<T>({ column }: { column: Column<T> }) {
  const { sort } = column;
  if (!sort)
    return (
      <div role="columnheader" className={classes.cell} data-align={column.align}>
        {column.header}
      </div>
    );
  return (
    <div role="columnheader" className={classes.cell} data-align={column.align} aria-sort={sort.direction}>
      <button type="button" className={classes.sort} onClick={sort.toggle}>
        {column.header}
        <span aria-hidden="true">{arrows[sort.direction]}</span>
      </button>
    </div>
  );
}

const arrows = { ascending: '↑', descending: '↓', none: '' };

function focusedRow(target: EventTarget): number {
  const row = target instanceof Element ? target.closest('[data-index]') : null;
  return row ? Number(row.getAttribute('data-index')) : -1;
}

function nextRow(key: string, from: number, count: number): number | undefined {
  if (count === 0) return undefined;
  switch (key) {
    case 'ArrowDown':
      return Math.min(from + 1, count - 1);
    case 'ArrowUp':
      return Math.max(from - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
