/** Python programs for the tests. Each has its own virtual environment in .cache, with pinned versions. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installOnce, progress } from './cache.ts';
import { run } from './process.ts';
import { type MissingTool, type Tool, ToolMissingError } from './tool.ts';

export interface PythonEnvironment {
  /** The start of its folder's name. */
  readonly name: string;
  /** A requirements file of pip, in this folder. */
  readonly requirements: string;
  /** Its name in messages: "the local AWS (ministack)". */
  readonly what: string;
}

/** Returns the Python of an environment, or what is missing. The first call makes the environment (about 20 s). Never throws. */
export async function pythonWith({ name, requirements, what }: PythonEnvironment): Promise<Tool> {
  const file = join(import.meta.dirname, requirements);
  const hash = createHash('sha256').update(await readFile(file));
  try {
    const folder = await installOnce(`${name}-${hash.digest('hex').slice(0, 12)}`, (building) =>
      install(building, file, what),
    );
    return { found: true, path: join(folder, 'bin', 'python') };
  } catch (error) {
    if (error instanceof ToolMissingError) return error.missing;
    return {
      found: false,
      tool: name,
      message: `${what} can't be installed: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'read the message of pip above; it needs access to the Python package index',
    };
  }
}

async function install(folder: string, requirements: string, what: string): Promise<void> {
  const python = await findPython();
  progress(`installing ${what} into .cache, once (about half a minute)`);
  const { code, output } = await run(python, ['-m', 'venv', folder]);
  if (code !== 0) throw new ToolMissingError(noVenv(output));
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile', '-r', requirements];
  const installed = await run(join(folder, 'bin', 'python'), pip);
  if (installed.code !== 0) throw new Error(installed.output.trimEnd().split('\n').slice(-15).join('\n'));
}

const PYTHON = 'Python 3.10 or later';

/** Returns the command of a Python that is new enough. Throws ToolMissingError. */
export async function findPython(): Promise<string> {
  let found = 'none';
  for (const command of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const asked = await run(command, ['-c', 'import sys; print(*sys.version_info[:2])']).catch(() => undefined);
    const [major = 0, minor = 0] = asked?.stdout.trim().split(' ').map(Number) ?? [];
    if (major === 3 && minor >= 10) return command;
    if (asked?.code === 0) found = `${major}.${minor}`;
  }
  throw new ToolMissingError({
    found: false,
    tool: 'python3',
    message: `The tests and the demo need ${PYTHON} (found: ${found}).`,
    fix: 'install it (https://www.python.org/downloads/, or your system\'s packages "python3" and "python3-venv") and put it on PATH',
  });
}

function noVenv(output: string): MissingTool {
  return {
    found: false,
    tool: 'python3-venv',
    message: `Python can't make a virtual environment: ${output.trim().split('\n').slice(0, 6).join(' ')}`,
    fix: 'install Python\'s venv module (on Debian and Ubuntu the package "python3-venv")',
  };
}
