/** nginx as a TLS server of the tests: that of this machine, or Debian's package unpacked into .cache, which needs no root. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installOnce, progress } from './cache.ts';
import { type Running, run, start, untilReady, watched } from './process.ts';
import { temporaryFolder } from './temporary.ts';
import type { Tool } from './tool.ts';

/** Returns nginx, or what is missing. Never throws. */
export async function nginx(): Promise<Tool> {
  // /usr/sbin is not on the PATH of every user.
  for (const command of ['nginx', '/usr/sbin/nginx']) if (await runs(command)) return { found: true, path: command };
  try {
    const folder = await installOnce(`nginx-${await release()}`, unpack);
    return { found: true, path: join(folder, 'nginx') };
  } catch (error) {
    return {
      found: false,
      tool: 'nginx',
      message: `nginx is not installed, and its package can't be unpacked: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'install nginx (https://nginx.org/en/docs/install.html) and put it on PATH, or on Debian and Ubuntu run `apt-get update`',
    };
  }
}

const runs = (command: string): Promise<boolean> =>
  run(command, ['-v']).then(
    ({ code }) => code === 0,
    () => false,
  );

/** "debian-12". A release keeps its version of nginx and of the libraries that it is linked with. Throws on another system. */
async function release(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)"?$`, 'm').exec(text)?.[1];
  const [id, version] = [field('ID'), field('VERSION_ID')];
  if (id === undefined || version === undefined) throw new Error('this system has no /etc/os-release');
  return `${id}-${version}`;
}

/** Unpacks the packages, and writes a program `nginx` that finds its libraries. */
async function unpack(folder: string): Promise<void> {
  progress('unpacking the package nginx into .cache, once');
  await unpackPackage(folder, 'nginx');
  const program = 'usr/sbin/nginx';
  if (!(await runs(join(folder, program)))) {
    const { stdout } = await command('apt-cache', ['depends', 'nginx'], folder);
    const libraries = [...stdout.matchAll(/^\s*Depends: ((?:lib|zlib)[\w.+-]+)$/gm)].flatMap(([, name]) => name ?? []);
    for (const name of new Set(libraries)) if (name !== 'libc6') await unpackPackage(folder, name);
  }
  const own = 'folder=$(dirname "$(readlink -f "$0")")';
  const found = 'export LD_LIBRARY_PATH=$(find "$folder" -name "*.so.*" -exec dirname {} + | sort -u | paste -sd:)';
  await writeFile(join(folder, 'nginx'), `#!/bin/sh\n${own}\n${found}\nexec "$folder/${program}" "$@"\n`);
  await chmod(join(folder, 'nginx'), 0o755);
  const { output } = await command(join(folder, 'nginx'), ['-v'], folder);
  if (!output.includes('nginx/')) throw new Error(output);
}

/** apt checks the signature of the archive and the hash of the package. */
async function unpackPackage(folder: string, name: string): Promise<void> {
  await command('apt-get', ['download', '--quiet', name], folder);
  await command('sh', ['-c', 'dpkg-deb -x "$1"_*.deb . && rm "$1"_*.deb', 'sh', name], folder);
}

async function command(program: string, args: readonly string[], cwd: string) {
  const finished = await run(program, args, { cwd, timeout: 120_000 });
  if (finished.code !== 0) throw new Error(`${program} ${args[0]} failed: ${finished.output.trim().slice(-500)}`);
  return finished;
}

/** PEM. `certificate` may have its chain behind it. */
export interface ServedPair {
  readonly certificate: string;
  readonly certificateChain?: string;
  readonly privateKey: string;
}

/** A server block. */
export interface NginxServer {
  /** Default: 127.0.0.1. */
  readonly address?: string;
  readonly port: number;
  /** For SNI. The first block of an address and port is the one for any other name. */
  readonly names?: readonly string[];
  /** Names of pairs. A server may have one for each type of key. */
  readonly pairs: readonly string[];
  /** Further directives, without the semicolon. `$folder` is replaced with the folder of the files. */
  readonly more?: readonly string[];
}

export interface NginxOptions {
  readonly servers: readonly NginxServer[];
  /** Files `<name>.pem` and `<name>.key` are made of each. */
  readonly pairs: Readonly<Record<string, ServedPair>>;
  /** Other files of its folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A running nginx. */
export interface Nginx {
  /** Writes the files of a pair. nginx serves the old one until it is reloaded. */
  write(name: string, pair: ServedPair): Promise<void>;
  /** Sends SIGHUP, and returns when the old worker has ended: new connections get the new certificate. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `program` with a configuration and a folder of its own. It ends with this process. */
export async function startNginx(program: string, { servers, pairs, files = {} }: NginxOptions): Promise<Nginx> {
  const { path: folder, remove } = await temporaryFolder('nginx');
  const write = async (name: string, { certificate, certificateChain = '', privateKey }: ServedPair) => {
    await writeFile(join(folder, `${name}.pem`), `${certificate.trimEnd()}\n${certificateChain}`);
    await writeFile(join(folder, `${name}.key`), privateKey, { mode: 0o600 });
  };
  for (const [name, pair] of Object.entries(pairs)) await write(name, pair);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const config = join(folder, 'nginx.conf');
  await writeFile(config, configuration(folder, servers));
  const log = join(folder, 'error.log');
  const logged = () => readFile(log, 'utf8').catch(() => '');
  // Without -e, nginx opens the log of its package before it reads the configuration.
  const args = ['-p', folder, '-c', config, '-e', log];
  const running: Running = await start({
    ...watched(program, args, folder),
    cwd: folder,
    env: process.env,
    logFile: log,
  });
  await untilReady(running, 'nginx', log, async () => /start worker process \d/.test(await logged()));
  const pid = Number(await readFile(join(folder, 'nginx.pid'), 'utf8'));
  return {
    write,
    reload: async () => {
      const ended = (text: string) => text.match(/worker process \d+ exited/g)?.length ?? 0;
      const before = ended(await logged());
      process.kill(pid, 'SIGHUP');
      const isNew = async () => ended(await logged()) > before;
      await untilReady(running, 'the new configuration of nginx', log, isNew, 10_000);
    },
    stop: async () => {
      await running.stop();
      await remove();
    },
  };
}

function configuration(folder: string, servers: readonly NginxServer[]): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/nginx.pid;`,
    `error_log ${folder}/error.log notice;`,
    'events { worker_connections 64; }',
    'http {',
    'access_log off;',
    'server_names_hash_bucket_size 128;',
    ...places.map((place) => `${place}_temp_path ${folder}/${place};`),
    ...servers.map((server) => serverBlock(folder, server)),
    '}',
    '',
  ].join('\n');
}

function serverBlock(
  folder: string,
  { address = '127.0.0.1', port, names = [], pairs, more = [] }: NginxServer,
): string {
  const directives = [
    `listen ${address}:${port} ssl`,
    ...(names.length > 0 ? [`server_name ${names.join(' ')}`] : []),
    ...pairs.flatMap((name) => [`ssl_certificate ${folder}/${name}.pem`, `ssl_certificate_key ${folder}/${name}.key`]),
    ...more.map((directive) => directive.replaceAll('$folder', folder)),
    'return 204',
  ];
  return `server {\n${directives.map((directive) => `  ${directive};\n`).join('')}}`;
}
