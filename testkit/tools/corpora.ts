/** Public collections of certificates and keys in packages. They include unusual and broken files. */
import { run } from './process.ts';
import { pythonWith } from './python.ts';
import { inTemporaryFolder } from './temporary.ts';
import type { Tool } from './tool.ts';

/** The hash is from Go's checksum database, which go checks too. */
const zlintModule = {
  path: 'github.com/zmap/zlint/v3',
  version: 'v3.7.3',
  sum: 'h1:k7MZOUjW0nhmvqvG/VtHExOREuXkcTAfee9zoNRe8Vo=',
};

/** Returns the folder of the 1,300 test certificates of zlint. Each has a fault of its own. */
export async function zlintCorpus(): Promise<Tool> {
  const { path, version, sum } = zlintModule;
  const missing = (message: string, fix: string) => ({ found: false, tool: 'go', message, fix }) as const;
  try {
    // Outside of any module, so that go writes to none.
    const { code, stdout, output } = await inTemporaryFolder('corpus', (cwd) =>
      run('go', ['mod', 'download', '-json', `${path}@${version}`], { cwd }),
    );
    if (code !== 0)
      return missing(`zlint can't be fetched: ${output.trim()}`, 'it needs access to the Go module proxy');
    const { Dir, Sum } = JSON.parse(stdout);
    if (Sum !== sum)
      return missing(`zlint ${version} is not what it was: ${Sum}`, 'see who is between you and the proxy');
    return { found: true, path: `${Dir}/testdata` };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return missing(`Go can't be run: ${text}.`, 'install Go (https://go.dev/dl/) and put it on PATH');
  }
}

/** Returns the folder of pyca/cryptography's test vectors: certificates, keys in every container, PKCS#12, and NIST's PKITS. */
export async function pycaCorpus(): Promise<Tool> {
  const requirements = 'requirements-corpora.txt';
  const python = await pythonWith({ name: 'corpora', requirements, what: 'the vectors of pyca/cryptography' });
  if (!python.found) return python;
  const where = 'import cryptography_vectors, os; print(os.path.dirname(cryptography_vectors.__file__))';
  const { stdout } = await run(python.path, ['-c', where]);
  return { found: true, path: stdout.trim() };
}
