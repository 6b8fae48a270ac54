import type { ReactNode } from 'react';
import { Icons } from './icons';
import classes from './Problem.module.css';

/** Problem says what went wrong, in its place on a page; action may mend it. */
export function Problem({
  title,
  children,
  action,
}: {
  title: string;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <section className={classes.problem} role="alert">
      <Icons.Alert />
      <div className={classes.text}>
        <h2>{title}</h2>
        {children}
      </div>
      {action}
    </section>
  );
}
