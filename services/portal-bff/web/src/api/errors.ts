import { RpcError } from '@protobuf-ts/runtime-rpc';

/** Why a call failed, as every Grainmesh API tells it. */
export interface Fault {
  /** A code of pkg/fault, such as "not_found", or one of the browser's own. */
  readonly code: string;
  readonly message: string;
  /** "customer", "platform", or "network" when no answer came at all. */
  readonly fault: string;
  readonly retryable: boolean;
}

/** What browsers say when no answer came: Chromium, Firefox, Safari. */
const noAnswer = /^(Failed to fetch|NetworkError when attempting|Load failed)/;

const unreachable: Fault = {
  code: 'unreachable',
  message: 'The portal does not answer.',
  fault: 'network',
  retryable: true,
};

/** faultOf reads the code, fault and retryability out of any thrown value. */
export function faultOf(err: unknown): Fault {
  if (isFault(err)) return err;
  if (err instanceof RpcError) return faultOfRpc(err);
  const message = err instanceof Error ? err.message : String(err);
  if (noAnswer.test(message)) return unreachable;
  return { code: 'unexpected', message, fault: 'platform', retryable: true };
}

function isFault(err: unknown): err is Fault {
  return typeof err === 'object' && err !== null && 'code' in err && 'fault' in err && 'retryable' in err;
}

function faultOfRpc(err: RpcError): Fault {
  // The transport reports a refused connection as an internal error without meta.
  if (noAnswer.test(err.message) || err.code === 'dataloss') return unreachable;
  const meta = (key: string) => {
    const v = err.meta[key];
    return Array.isArray(v) ? v[0] : v;
  };
  return {
    code: meta('code') ?? err.code,
    message: sentence(err.message),
    fault: meta('fault') ?? 'platform',
    retryable: (meta('retryable') ?? 'true') === 'true',
  };
}

/** sentence gives a message of the services, lower case there, its capital. */
export function sentence(text: string): string {
  const s = text.trim();
  if (s === '') return 'No reason was given.';
  // Names keep their own letters: https://, film.mp4.
  const isName = /^\S*[.:/_]\S/.test(s);
  const capital = isName ? s : s.charAt(0).toUpperCase() + s.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** isUnauthenticated says that the session has ended, or never was. */
export function isUnauthenticated(err: unknown): boolean {
  return err instanceof RpcError && err.code.toLowerCase() === 'unauthenticated';
}
