import { expect, it } from 'vitest';
import { Flow } from '@/api/gen/media/v1/media';
import { formatsFor } from './window';

const flow = (id: string, kind: string, codec = '') =>
  Flow.create({ id, format: `urn:x-nmos:format:${kind}`, codec });
const picture = flow('v', 'video', 'video/h264');
const pcm = flow('a', 'audio', 'audio/x-raw-int');
const names = (f: Flow, members: Flow[] = []) => formatsFor(f, members).map(({ value }) => value);

it('offers every format that holds a Flow', () => {
  expect(names(picture)).toEqual(['mp4', 'mov', 'gsf', 'raw']);
  expect(names(pcm)).toEqual(['wav', 'mov', 'mp4', 'gsf', 'raw']);
  expect(names(flow('d', 'data', 'application/json'))).toEqual(['gsf', 'raw']);
});

it('offers WAV and raw of the only sound of a programme', () => {
  const whole = flow('m', 'multi');
  expect(names(whole, [picture, flow('b', 'audio', 'audio/aac')])).toEqual(['mp4', 'mov', 'gsf']);
  expect(names(whole, [picture, pcm, flow('c', 'audio', 'audio/x-raw-int')])).toEqual(['mov', 'mp4', 'gsf']);
  const formats = formatsFor(whole, [picture, pcm]);
  expect(formats.map(({ value, flowId }) => [value, flowId])).toEqual([
    ['mov', undefined],
    ['mp4', undefined],
    ['gsf', undefined],
    ['wav', 'a'],
    ['raw', 'a'],
  ]);
});
