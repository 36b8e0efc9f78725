/**
 * zlint, a linter for the trust stores of browsers, finds nothing by the RFCs in a declared leaf of an authority of the stack.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { issueLeaf } from '../../lambdas/authority/issue-leaf.ts';
import { loadAuthority } from '../../lambdas/authority/load.ts';
import { declaredUsages } from '../../lambdas/domain/declaration.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { DeclaredContent } from '../../lambdas/domain/wanted.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import {
  commonNameOnly,
  distinguishedName,
  extendedKeyUsage,
  type KeyKind,
  keyUsage,
  makeKey,
  pem,
  serverAuth,
  signCertificate,
  spkiOf,
  subjectAltName,
} from '../../testkit/certificates/index.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { zlint } from '../../testkit/tools/go-tools.ts';
import { describeFound } from '../support/local.ts';
import { day, Stack, start } from './world.ts';

const found = await zlint();

/**
 * The RFCs of X.509 and its keys. Left out: CABF, Mozilla, Chrome, Apple, RFC 6962 and RFC 6960 (public CAs: registered
 * domains, policies, logs, CRL and OCSP addresses), ETSI (qualified certificates), Community (advice for public CAs).
 */
const sources = ['RFC3279', 'RFC5280', 'RFC5480', 'RFC5891', 'RFC8813'];

/** Returns the names of the lints that warn or fail. */
function findings(certificate: Uint8Array): string[] {
  if (!found.found) throw new Error('no zlint');
  const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-lint-'));
  try {
    const file = join(folder, 'certificate.pem');
    writeFileSync(file, pem(certificate));
    const args = ['-includeSources', sources.join(), file];
    const { stdout, stderr } = spawnSync(found.path, args, { encoding: 'utf8' });
    if (!stdout.startsWith('{')) throw new Error(`zlint failed: ${stderr}`);
    const lints = Object.entries(JSON.parse(stdout) as Record<string, { result: string }>);
    expect(lints.length).toBeGreaterThan(100);
    return lints.flatMap(([name, { result }]) => (/^(?:warn|error|fatal)$/.test(result) ? [name] : []));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const web: DeclaredContent = {
  kind: 'declared',
  names: [
    ...['dns:web.svc.example', 'dns:*.svc.example', 'dns:xn--zrich-kva.example', 'ip:10.0.0.7', 'ip:2001:db8::1'],
    ...['email:ops@svc.example', 'uri:spiffe://svc.example/web'],
  ],
  subject: undefined,
  usages: ['serverAuth', 'clientAuth'],
  duration: undefined,
};
const subjects = [undefined, 'CN=web.svc.example', 'CN=web.svc.example,OU=Ops,O=Exämple,L=Zürich,ST=ZH,C=CH'];
const leafKeys: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072'];
const authorityKeys: readonly KeySpec[] = [
  { kty: 'EC', curve: 'P-256' },
  { kty: 'EC', curve: 'P-384' },
  { kty: 'EC', curve: 'P-521' },
  { kty: 'RSA', size: 2048 },
  { kty: 'OKP', curve: 'Ed25519' },
];

const byName = (specs: readonly KeySpec[]) => specs.map((spec) => [formatKeySpec(spec), spec] as const);

describeFound([found], 'zlint', () => {
  test.each(byName(authorityKeys))('finds nothing in what an authority of %s issues', async (_, spec) => {
    const stack = await new Stack().hierarchy({
      issuing: { spec, create: { subject: 'CN=Example Issuing', validity: 400 * day, pathLength: 0 }, parent: 'root' },
    });
    const authority = await loadAuthority(stack, 'issuing');
    const options = { now: start, entropy: stack.entropy };
    for (const [i, kind] of leafKeys.entries()) {
      const text = subjects[i % subjects.length];
      const content = { ...web, subject: text === undefined ? undefined : parseName(text, 'It') };
      const { certificates } = await issueLeaf(authority, content, signerFor(makeKey(kind)), options);
      expect([kind, ...findings(certificates[0] ?? new Uint8Array())]).toEqual([kind]);
    }
  });

  test('finds nothing in a leaf for any usage', async () => {
    const stack = await new Stack().hierarchy();
    const authority = await loadAuthority(stack, 'issuing');
    for (const usage of declaredUsages) {
      const content = { ...web, usages: [usage], duration: 400 * day };
      const options = { now: start, entropy: stack.entropy };
      const { certificates } = await issueLeaf(authority, content, signerFor(makeKey()), options);
      expect([usage, ...findings(certificates[0] ?? new Uint8Array())]).toEqual([usage]);
    }
  });

  test('finds a planted fault', () => {
    const [key, issuer] = [makeKey(), makeKey()];
    const names = { ...subjectAltName('dns:web_1..example'), critical: false };
    const bad = signCertificate(
      {
        ...{ subject: distinguishedName(), spki: spkiOf(key), notBefore: start, notAfter: start + day },
        extensions: [{ ...keyUsage('keyCertSign'), critical: false }, extendedKeyUsage(serverAuth), names],
      },
      { subject: commonNameOnly('Bad'), key: issuer },
    );
    expect(findings(bad)).toEqual(
      expect.arrayContaining(['e_ext_san_not_critical_without_subject', 'e_ext_key_usage_cert_sign_without_ca']),
    );
  });
});
