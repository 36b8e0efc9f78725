/** What is told of an endpoint. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Handshake, type HandshakeProblem, silent } from '../../lambdas/domain/serving.ts';
import { parseEndpoint } from '../../lambdas/policy/endpoints.ts';
import type { Anchors } from '../../lambdas/probes/chain.ts';
import type { NotProbed, Presented } from '../../lambdas/probes/endpoint.ts';
import { judgeEndpoint } from '../../lambdas/probes/judgement.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  commonNameOnly,
  dns,
  makeHierarchy,
  makeKey,
  signCertificate,
  spkiOf,
  subjectAltName,
} from '../../testkit/certificates/index.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 5, 15);
const hierarchy = makeHierarchy(now - 100 * day, now + 100 * day);
const key = makeKey();

interface Made {
  readonly names?: readonly (string | Uint8Array)[];
  readonly serial?: Uint8Array;
  readonly notAfter?: number;
}

/** A certificate of the intermediate. */
function certificate({ names = ['dns:web.example'], serial = Uint8Array.of(1), notAfter = now + day }: Made = {}) {
  const { intermediateName: subject, intermediateKey } = hierarchy;
  const extensions = names.length > 0 ? [subjectAltName(...names)] : [];
  const dates = { notBefore: now - 10 * day, notAfter };
  return signCertificate(
    { subject: commonNameOnly('web'), spki: spkiOf(key), serialNumber: serial, extensions, ...dates },
    { subject, key: intermediateKey },
  );
}

const current = certificate({ serial: Uint8Array.of(0x0a, 0xbc) });
const old = certificate({ serial: Uint8Array.of(0x07), notAfter: now + 3 * day });
const fingerprint = hash('sha256', current, 'hex');
const anchors: Anchors = { kind: 'certificates', roots: [parseCertificate(hierarchy.root)] };

const at = (address: string, ...certificates: readonly Uint8Array[]): Presented => ({
  address,
  outcome: { ok: true, certificates },
});
const failing = (problem: HandshakeProblem | NotProbed['problem'], code = 'CODE', address = '10.0.0.9'): Presented => ({
  address,
  outcome: { ok: false, problem, code } as Exclude<Handshake, { ok: true }> | NotProbed,
});

function judged(presented: readonly Presented[], text = 'web.example:443', roots: Anchors | null = anchors) {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw new Error('no endpoint');
  return judgeEndpoint(endpoint, presented, { fingerprint, anchors: roots ?? undefined, now });
}

describe('the state', () => {
  const served = at('10.0.0.1', current, hierarchy.intermediate);
  const stale = at('10.0.0.2', old, hierarchy.intermediate);

  it.each([
    ['served', [served], 'served', '0abc'],
    ['stale', [stale], 'stale', '07'],
    ['one of two stale', [served, stale], 'stale', '07'],
    ['one of two silent', [served, failing('timeout')], 'unreachable', '0abc'],
    ['stale and silent', [stale, failing('timeout')], 'stale', '07'],
    ['silent', [failing('timeout')], 'unreachable', null],
    ['one without a way', [served, failing('noRoute')], 'served', '0abc'],
    ['both without a way', [failing('noRoute'), failing('noRoute')], 'unreachable', null],
    ['one without a way, one silent', [failing('noRoute'), failing('timeout')], 'unreachable', null],
    ['one denied', [served, failing('notAllowed')], 'unreachable', '0abc'],
    ['more addresses than are probed', [served, failing('tooMany')], 'served', '0abc'],
    ['no address', [], 'unreachable', null],
    ['no certificate', [at('10.0.0.1')], 'unreachable', null],
    ['unreadable', [at('10.0.0.1', Uint8Array.of(0x30, 1, 2))], 'stale', null],
    ['unreadable, beside served', [at('10.0.0.3', Uint8Array.of(0x30, 1, 2)), served], 'stale', null],
  ] as const)('%s', (_, presented, state, serialNumber) => {
    expect(judged(presented).report).toMatchObject({ endpoint: 'web.example:443', state, serialNumber });
  });

  it('two addresses, one stale: it tells which, its serial and its end', () => {
    const { report } = judged([served, stale]);
    expect(report.notAfter).toBe('2026-06-18T00:00:00Z');
    expect(report.message).toMatch(/^At 10\.0\.0\.2 it presents another certificate.*serial 07.*2026-06-18T00:00:00Z/);
    expect(report.message).toMatch(/At 10\.0\.0\.1 it presents the new certificate\.$/);
  });

  it('an address without a way is told beside the served one', () => {
    expect(judged([served, failing('noRoute', 'ENETUNREACH', '2001:db8::1')]).report.message).toContain('2001:db8::1');
  });
});

describe('the message', () => {
  const findings: readonly (readonly [string, readonly Presented[], string])[] = [
    ['no answer', [failing('timeout', 'ETIMEDOUT')], 'does not answer'],
    ['silent', [failing('timeout', silent)], 'accepts the connection'],
    ['refused', [failing('refused')], 'refuses the connection'],
    ['no route', [failing('noRoute', 'ENETUNREACH')], 'ENETUNREACH'],
    ['closed', [failing('closed')], 'closes'],
    ['alert', [failing('alert', 'unrecognized_name')], 'unrecognized_name'],
    ['plain text', [failing('notTls', 'ERR_SSL_WRONG_VERSION_NUMBER')], 'TLS 1.2 or 1.3'],
    ['too large', [failing('tooLarge')], 'larger'],
    ['failed', [failing('failed', 'EHOSTUNREACH')], 'EHOSTUNREACH'],
    ['denied', [failing('notAllowed', '169.254.169.254 is link-local')], '169.254.169.254 is link-local'],
    ['unresolved', [failing('unresolved', 'ENOTFOUND')], 'ENOTFOUND'],
    ['too many', [failing('tooMany', '7')], '7 addresses more'],
    ['no certificate', [at('10.0.0.9')], 'no certificate (none)'],
    ['another name', [at('10.0.0.9', certificate({ names: ['dns:other.example'] }))], 'for "other.example"'],
    ['no name', [at('10.0.0.9', certificate({ names: [] }))], 'without a name'],
    ['another one of this name', [at('10.0.0.9', old)], 'reload the server'],
    ['expired', [at('10.0.0.9', certificate({ notAfter: now - day }))], 'ended 2026-06-14T00:00:00Z'],
    ['unreadable', [at('10.0.0.9', Uint8Array.of(1))], 'can’t be read'],
    ['served', [at('10.0.0.9', current)], 'the new certificate'],
  ];

  it.each(findings)('%s', (_, presented, part) => {
    expect(judged(presented).report.message).toContain(part);
  });

  it('is another one for each finding', () => {
    const messages = findings.map(([, presented]) => judged(presented).report.message);
    expect(new Set(messages).size).toBe(findings.length);
  });

  it.each([
    ['web.example', 'web.example:443', true],
    ['WEB.Example', 'web.example:443', true],
    ['*.example', 'web.example:443', true],
    ['*.example', 'a.web.example:443', false],
    ['*.example', 'example:443', false],
    ['web.example', '10.0.0.1:443', true], // without a server name any name will do
    ['web.example', '10.0.0.1:443/other.example', false],
    ['web.example', 'lb.example:443/web.example', true],
  ])('a certificate for %s at %s', (name, text, isNamed) => {
    const { message } = judged(
      [at('10.0.0.1', certificate({ names: [`dns:${name}`], serial: Uint8Array.of(9) }))],
      text,
    ).report;
    expect(message.includes('presents another certificate')).toBe(isNamed);
  });
});

describe('a hostile server', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `dns:n${index}.example`);
  const nasty = dns('\u0007\u001b[31m\r\nInjected: yes\u0000"\\');

  it.each([
    ['names with control characters', certificate({ names: [nasty] })],
    ['10,000 names', certificate({ names: many })],
    ['a name of 60,000 characters', certificate({ names: [dns('a'.repeat(60_000))] })],
    ['a serial number of 40,000 octets', certificate({ serial: new Uint8Array(40_000).fill(0x7f) })],
    ['no DER', new Uint8Array(100_000).fill(0x30)],
  ])('%s: what is told is short and visible', (_, der) => {
    const { report } = judged([at('10.0.0.1', der)]);
    expect(report.state).toBe('stale');
    expect(JSON.stringify(report).length).toBeLessThan(1_000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(report.message).not.toMatch(/[\u0000-\u001f\u007f]/);
  });

  it('another certificate at each of many addresses', () => {
    const presented = Array.from({ length: 32 }, (_, index) =>
      at(`10.0.0.${index}`, certificate({ names: many.slice(index, index + 50), serial: Uint8Array.of(1, index) })),
    );
    const { message } = judged(presented).report;
    expect(message.length).toBeLessThan(2_500);
    expect(message).toContain('27 findings more');
  });

  it('the same finding at many addresses is one sentence', () => {
    const presented = Array.from({ length: 32 }, (_, index) => failing('refused', 'ECONNREFUSED', `10.0.0.${index}`));
    expect(judged(presented).report.message).toMatch(/^At 10\.0\.0\.0 .*and 27 more it refuses/);
  });
});

describe('IncompleteChain', () => {
  const whole = at('10.0.0.1', current, hierarchy.intermediate);
  const partly = at('10.0.0.2', current);

  it('is told of the addresses that present too little', () => {
    expect(judged([whole]).warnings).toEqual([]);
    const { report, warnings } = judged([whole, partly]);
    expect(report.state).toBe('served');
    expect(warnings).toEqual([
      { code: 'IncompleteChain', message: expect.stringContaining('web.example:443 (10.0.0.2)') },
    ]);
  });

  it('is not told without anchors, nor of another certificate', () => {
    expect(judged([partly], 'web.example:443', null).warnings).toEqual([]);
    expect(judged([at('10.0.0.2', old)]).warnings).toEqual([]);
  });
});
