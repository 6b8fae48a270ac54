import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';

const folder = join(tmpdir(), 'grainmesh-mock-hls');
const types: Record<string, string> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
};

/** Ten seconds to play: MOCK_MEDIA, or a test picture with its frame numbers. */
function input(): string[] {
  const file = process.env.MOCK_MEDIA;
  if (file) return ['-i', file];
  return [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=1280x720:rate=24',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440',
    '-t',
    '10',
  ];
}

/** prepareMedia makes an HLS stream once, and returns its address. */
export async function prepareMedia(): Promise<string> {
  const url = '/origin/mock/master.m3u8';
  if (existsSync(join(folder, 'master.m3u8'))) return url;
  await mkdir(folder, { recursive: true });
  const codecs = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-bf',
    '0',
    '-g',
    '48',
    '-c:a',
    'aac',
    '-ac',
    '2',
  ];
  const hls = ['-f', 'hls', '-hls_time', '4', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4'];
  const names = [
    '-hls_fmp4_init_filename',
    'init%v.mp4',
    '-hls_segment_filename',
    join(folder, 's%v_%d.m4s'),
  ];
  const map = ['-map', '0:v', '-map', process.env.MOCK_MEDIA ? '0:a' : '1:a'];
  const variants = ['-var_stream_map', 'v:0,agroup:a a:0,agroup:a', '-master_pl_name', 'master.m3u8'];
  await promisify(execFile)('ffmpeg', [
    ...['-v', 'error', '-y', ...input(), ...map, '-t', '10', '-pix_fmt', 'yuv420p'],
    ...[...codecs, ...hls, ...names, ...variants, join(folder, 'v%v.m3u8')],
  ]);
  return url;
}

/** serveMedia answers with a file of the stream. */
export function serveMedia(path: string, res: ServerResponse) {
  const file = join(folder, basename(path));
  if (!existsSync(file)) {
    res.statusCode = 404;
    res.end();
    return;
  }
  res.setHeader('Content-Type', types[extname(file)] ?? 'video/mp4');
  createReadStream(file).pipe(res);
}
