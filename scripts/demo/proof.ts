/** Not our word for it: openssl looks at the pair before and after. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';
import { ToolMissingError } from '../../testkit/tools/tool.ts';
import type { StoredPair } from './secrets.ts';
import { say } from './telling.ts';

interface Evidence {
  readonly folder: string;
  readonly before: StoredPair | undefined;
  readonly after: StoredPair;
  readonly rootPem: string;
}

/** Throws at the first thing that is found wrong. Where there is no openssl, the one that Node is built with judges. */
export async function prove(evidence: Evidence): Promise<void> {
  const { before } = evidence;
  if (!before) throw new Error('the pair from before is missing');
  try {
    await proveByOpenssl(evidence, before);
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    say(`  ${error.message}`);
    say(`  So the OpenSSL ${process.versions.openssl} inside of Node judges:`);
    proveByNode(evidence, before);
  }
}

async function proveByOpenssl({ folder, after, rootPem }: Evidence, before: StoredPair): Promise<void> {
  const file = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const root = await file('root.pem', rootPem);
  const chain = await file('chain.pem', after.certificateChain);
  const [old, leaf] = [await file('before.pem', before.certificate), await file('after.pem', after.certificate)];
  const key = await file('after.key', after.privateKey);

  await openssl(['verify', '-CAfile', root, '-untrusted', chain, leaf]);
  const publicKey = await openssl(['x509', '-in', leaf, '-noout', '-pubkey'], false);
  const keysOwn = await openssl(['pkey', '-in', key, '-pubout'], false);
  const oldPublicKey = await openssl(['x509', '-in', old, '-noout', '-pubkey'], false);
  claim('the private key is the certificate’s', publicKey === keysOwn);
  claim('the public key is another one than before', publicKey !== oldPublicKey);
  const names = ['x509', '-noout', '-subject', '-ext', 'subjectAltName', '-in'];
  claim('subject and SANs are the same', (await openssl([...names, old], false)) === (await openssl([...names, leaf])));
  await openssl(['x509', '-noout', '-dates', '-serial', '-in', leaf]);
}

function proveByNode({ after, rootPem }: Evidence, before: StoredPair): void {
  const [old, leaf] = [new X509Certificate(before.certificate), new X509Certificate(after.certificate)];
  const [intermediate, root] = [new X509Certificate(after.certificateChain), new X509Certificate(rootPem)];
  const issued = (certificate: X509Certificate, by: X509Certificate) =>
    certificate.checkIssued(by) && certificate.verify(by.publicKey);
  claim('the chain leads to the root', issued(leaf, intermediate) && issued(intermediate, root));
  claim('the private key is the certificate’s', leaf.checkPrivateKey(createPrivateKey(after.privateKey)));
  claim('the public key is another one than before', !leaf.publicKey.equals(old.publicKey));
  const names = ({ subject, subjectAltName }: X509Certificate) => `${subject} ${subjectAltName}`;
  claim('subject and SANs are the same', names(old) === names(leaf));
  say(`    ${names(leaf).replaceAll('\n', ', ')}, until ${leaf.validTo}`);
}

function claim(what: string, holds: boolean): void {
  if (!holds) throw new Error(`it does not hold that ${what}`);
  say(`  ✓ ${what}`);
}

async function openssl(args: readonly string[], show = true): Promise<string> {
  const { code, output, stdout } = await run('openssl', args).catch(() => {
    throw new ToolMissingError({
      found: false,
      tool: 'openssl',
      message: 'openssl is missing: it judges the renewed certificate.',
      fix: 'install the package openssl of your system.',
    });
  });
  if (code !== 0) throw new Error(`openssl ${args[0]} failed: ${output}`);
  if (show) {
    say(`  $ openssl ${args.map((arg) => arg.split('/').at(-1)).join(' ')}`);
    for (const line of stdout.trimEnd().split('\n')) say(`    ${line.trim()}`);
  }
  return stdout;
}
