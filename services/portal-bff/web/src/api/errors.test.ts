import { RpcError } from '@protobuf-ts/runtime-rpc';
import { describe, expect, it } from 'vitest';
import { faultOf, isUnauthenticated, sentence } from './errors';

describe('sentence', () => {
  it('gives a sentence its capital and its end, and leaves names alone', () => {
    expect(sentence('the file is empty')).toBe('The file is empty.');
    expect(sentence('http://host/film.mp4: not found')).toBe('http://host/film.mp4: not found.');
    expect(sentence('film.mp4 has no moov')).toBe('film.mp4 has no moov.');
    expect(sentence('')).toBe('No reason was given.');
  });
});

describe('faultOf', () => {
  it('reads what the services tell', () => {
    const meta = { code: 'source_unreachable', fault: 'customer', retryable: 'true' };
    expect(faultOf(new RpcError('nothing answers', 'unavailable', meta))).toEqual({
      code: 'source_unreachable',
      message: 'Nothing answers.',
      fault: 'customer',
      retryable: true,
    });
    expect(isUnauthenticated(new RpcError('no token', 'unauthenticated'))).toBe(true);
  });

  it('knows when nobody answered', () => {
    expect(faultOf(new RpcError('Failed to fetch', 'UNKNOWN')).fault).toBe('network');
    expect(faultOf(new TypeError('Failed to fetch'))).toMatchObject({
      code: 'unreachable',
      fault: 'network',
    });
    expect(faultOf(new Error('a mistake')).code).toBe('unexpected');
  });
});
