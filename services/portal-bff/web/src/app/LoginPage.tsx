import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';
import { CopyLine } from '@/ui/CopyLine';
import { program, shellQuote } from '@/ui/format';
import { Mark } from './Frame';
import classes from './LoginPage.module.css';

const problems: Record<string, string> = {
  used: 'That link was used before, has expired, or is mistyped. Each holds for minutes, and logs in once.',
};

/** LoginPage says how to get in: by a one-time link that the command line makes. */
export function LoginPage() {
  const [params] = useSearchParams();
  const next = params.get('next');
  const problem = params.get('error');
  useEffect(() => {
    document.title = 'Log in · Grainmesh';
  }, []);
  return (
    <main className={classes.page}>
      <div className={classes.box}>
        <Mark size={44} />
        <h1 className={classes.title}>Log in to Grainmesh</h1>
        {problem && (
          <p className={classes.problem} role="alert">
            {problems[problem] ?? 'That did not log you in.'}
          </p>
        )}
        <p className={classes.text}>
          You get in by a link that works once. Make one on the machine that runs the mesh, and open it here:
        </p>
        <CopyLine
          label="the command"
          prompt
          text={next ? `${program} login-link --next ${shellQuote(next)}` : `${program} login-link`}
        />
        <p className={classes.hint}>
          No access to that machine? Ask whoever runs it to send you a link. Whoever is logged in already can
          make one for another browser, too.
        </p>
        <Button variant="default" onClick={() => window.location.assign(next ?? '/jobs')}>
          I am logged in now
        </Button>
      </div>
    </main>
  );
}
