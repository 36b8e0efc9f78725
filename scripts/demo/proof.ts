/** Lets openssl check a pair, so that the demo's claims don't rest on the product's own code. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';
import { ToolMissingError } from '../../testkit/tools/tool.ts';
import type { StoredPair } from './certificates.ts';
import type { DemoCertificate } from './configuration.ts';
import { say } from './telling.ts';

interface Evidence {
  readonly folder: string;
  readonly pair: StoredPair;
  readonly rootPem: string;
  /** The certificate must have exactly these names. */
  readonly declared: DemoCertificate;
  /** The pair that it has replaced. */
  readonly before?: StoredPair | undefined;
}

/** Whether the missing openssl was reported. It is reported once. */
let isTold = false;

/** Throws at the first claim that does not hold. Without the program openssl it uses the OpenSSL inside Node. */
export async function prove(evidence: Evidence): Promise<void> {
  try {
    await proveByOpenssl(evidence);
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    if (!isTold) say(`  ${error.message}\n  The OpenSSL ${process.versions.openssl} inside Node checks them instead:`);
    isTold = true;
    proveByNode(evidence);
  }
}

async function proveByOpenssl({ folder, pair, rootPem, declared, before }: Evidence): Promise<void> {
  const file = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const [root, chain] = [await file('root.pem', rootPem), await file('chain.pem', pair.certificateChain)];
  const [leaf, key] = [await file('leaf.pem', pair.certificate), await file('leaf.key', pair.privateKey)];
  const publicKeyOf = (path: string) => openssl(['x509', '-in', path, '-noout', '-pubkey'], false);

  await openssl(['verify', '-CAfile', root, '-untrusted', chain, leaf]);
  const names = await openssl(['x509', '-in', leaf, '-noout', '-dates', '-ext', 'subjectAltName']);
  claim('the names are exactly those declared', sameNames(names, declared));
  claim('the private key is the certificate’s', (await publicKeyOf(leaf)) === (await openssl(keyIn(key), false)));
  if (before === undefined) return;
  const old = await file('before.pem', before.certificate);
  claim('it has another key than before', (await publicKeyOf(leaf)) !== (await publicKeyOf(old)));
}

const keyIn = (path: string) => ['pkey', '-in', path, '-pubout'];

function proveByNode({ pair, rootPem, declared, before }: Evidence): void {
  const leaf = new X509Certificate(pair.certificate);
  const [intermediate, root] = [new X509Certificate(pair.certificateChain), new X509Certificate(rootPem)];
  const issued = (certificate: X509Certificate, by: X509Certificate) =>
    certificate.checkIssued(by) && certificate.verify(by.publicKey);
  say(`    ${leaf.subjectAltName}, until ${leaf.validTo}`);
  claim('the chain leads to the root', issued(leaf, intermediate) && issued(intermediate, root));
  claim('the names are exactly those declared', sameNames(leaf.subjectAltName ?? '', declared));
  claim('the private key is the certificate’s', leaf.checkPrivateKey(createPrivateKey(pair.privateKey)));
  if (before === undefined) return;
  claim('it has another key than before', !leaf.publicKey.equals(new X509Certificate(before.certificate).publicKey));
}

/** Tells whether `text`, a list of `DNS:…` and `IP Address:…`, has exactly the declared names. */
function sameNames(text: string, { dnsNames, ipAddresses = [] }: DemoCertificate): boolean {
  const found = [...text.matchAll(/(?:DNS|IP Address):([^\s,]+)/g)].map(([, name]) => name);
  return found.sort().join() === [...dnsNames, ...ipAddresses].sort().join();
}

/** Prints a claim that holds. Throws if it does not hold. */
export function claim(what: string, holds: boolean): void {
  if (!holds) throw new Error(`this claim does not hold: ${what}`);
  say(`  ✓ ${what}`);
}

async function openssl(args: readonly string[], show = true): Promise<string> {
  const { code, output, stdout } = await run('openssl', args).catch(() => {
    throw new ToolMissingError({
      found: false,
      tool: 'openssl',
      message: 'openssl is missing. The demo uses it to check the certificates.',
      fix: 'install the package openssl of your system.',
    });
  });
  if (code !== 0) throw new Error(`openssl ${args[0]} failed: ${output}`);
  if (show) {
    say(`  $ openssl ${args.map((arg) => arg.split('/').at(-1)).join(' ')}`);
    for (const line of stdout.trimEnd().split('\n')) say(`    ${line.trim().split('/').at(-1)}`);
  }
  return stdout;
}
