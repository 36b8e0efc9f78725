import { describe, expect, it } from 'vitest';
import type { Notice } from '../../lambdas/domain/notice.ts';
import { noticedEvents, noticeOf, sendNotice } from '../../lambdas/notices/notice.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';

const stackName = 'CertRenewer';
const secretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web/tls-AbCdEf';

function event(type: string, detail: object, envelope: object = {}): object {
  return {
    source: 'cert-renewer',
    'detail-type': type,
    account: '111122223333',
    region: 'eu-central-1',
    time: '2026-11-26T08:00:00Z',
    detail: { version: '1', secretArn, name: 'web/tls', profile: 'internal', ...detail },
    ...envelope,
  };
}

const failure = {
  code: 'KeyMismatch',
  message: 'The key of "web/tls" is not the certificate\'s: it says "EC", and <RSA> was \\ expected.\nPut a pair.',
  failures: 2,
  notAfter: '2026-12-01T00:00:00Z',
};

const notServed = {
  versionId: 'v2',
  fingerprintSha256: 'ab'.repeat(32),
  notAfter: '2027-01-01T00:00:00Z',
  endpoints: [
    { endpoint: 'a.example:443', state: 'served', message: '10.0.0.1 presents the new certificate.' },
    { endpoint: 'b.example:443', state: 'stale', message: '10.0.0.2 presents another certificate (serial 19f2c3).' },
    { endpoint: 'c.example:443', state: 'unreachable', message: '10.0.0.3 does not answer in time.' },
  ],
  warnings: [],
};

describe('a notice', () => {
  it('of a failure has its subject, its reason, the number of tries, and the time that is left', () => {
    expect(noticeOf(event('Certificate Renewal Failed', failure), stackName)).toEqual({
      subject: 'cert-renewer: web/tls was not renewed (KeyMismatch)',
      text: [
        'The certificate in web/tls (profile internal) could not be renewed.',
        `KeyMismatch: ${failure.message}`,
        'Failures in a row: 2. It expires at 2026-12-01T00:00:00Z.',
        '',
        `Secret: ${secretArn}`,
        'Account 111122223333, Region eu-central-1, at 2026-11-26T08:00:00Z.',
        '',
        'To see when the next try is, and what to do before:',
        '    cert-renewer status web/tls --region eu-central-1',
        'More: https://github.com/cert-renewer/cert-renewer/blob/main/docs/operations.md#failed',
      ].join('\n'),
    });
  });

  const overdue = { renewAt: '2026-11-20T00:00:00Z', notAfter: '2026-12-01T00:00:00Z' };
  const hookFailure = { hook: 'exec', code: 'Internal', message: 'It failed.', name: undefined };

  it.each([
    ['Certificate Renewal Failed', failure, 'status web/tls'],
    ['Certificate Renewal Overdue', overdue, 'status web/tls'],
    ['Certificate Renewal Overdue', { ...overdue, notAfter: null }, 'status web/tls'],
    ['Certificate Hook Failed', hookFailure, 'renew web/tls --force'],
    ['Certificate Hook Failed', { ...hookFailure, secretArn: null }, 'renew NAME --force'],
    ['Certificate Not Served', notServed, 'probe web/tls'],
    ['Certificate Renewal Failed', { ...failure, name: 'web; reboot' }, 'status NAME'],
    ['Certificate Renewal Failed', { ...failure, name: '--help' }, 'status NAME'],
  ])('of %s ends with the command to run, and a section of the runbook (%#)', (type, detail, words) => {
    const [command, more] = noticeOf(event(type, detail), 'Staging').text.split('\n').slice(-2);
    expect(command).toBe(`    cert-renewer ${words} --stack Staging --region eu-central-1`);
    expect(more).toMatch(/^More: https:\/\/\S+\/docs\/operations\.md#[a-z]+$/); // test/docs/links.test.ts looks for the heading
  });

  it('has a command without a Region if the event has none', () => {
    const { text } = noticeOf(event('Certificate Renewal Overdue', overdue, { region: undefined }), stackName);
    expect(text).toContain('\n    cert-renewer status web/tls\n');
  });

  it.each([
    ['Certificate Renewal Failed', failure],
    ['Certificate Renewal Overdue', { renewAt: '2026-11-20T00:00:00Z', notAfter: '2026-12-01T00:00:00Z' }],
    ['Certificate Hook Failed', { hook: 'exec', code: 'Internal', message: 'The "command" failed.' }],
  ])('of %s is text, not JSON: without quotation marks except for the message’s own', (type, detail) => {
    const { subject, text } = noticeOf(event(type, detail), stackName);
    expect(text).toMatch(/^The certificate in web\/tls \(profile internal\) /);
    expect(text).not.toMatch(/^"|"$|\\"|\\n|undefined|null|unknown/);
    expect(subject).toMatch(/^cert-renewer: .*web\/tls/);
  });

  it('has unknown for what the event does not have', () => {
    const detail = { name: null, profile: null, notAfter: null };
    const { text } = noticeOf(event('Certificate Renewal Failed', { ...failure, ...detail }), stackName);
    expect(text).toContain('in web/tls (profile unknown)'); // the name is in the ARN
    expect(text).toContain('No certificate is known in this secret yet.');
    const gone = noticeOf(
      event('Certificate Hook Failed', { name: undefined, secretArn: null, hook: 'exec' }),
      stackName,
    );
    expect(gone.text).toContain('an unknown secret');
    expect(gone.text).not.toContain('Secret:');
  });

  it('of endpoints lists each with its message, those that are served last', () => {
    const { subject, text } = noticeOf(event('Certificate Not Served', notServed), stackName);
    expect(subject).toBe('cert-renewer: web/tls is not served');
    const [, ...lines] = text.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'b.example:443 (stale): 10.0.0.2 presents another certificate (serial 19f2c3).',
      'c.example:443 (unreachable): 10.0.0.3 does not answer in time.',
      'a.example:443 (served): 10.0.0.1 presents the new certificate.',
    ]);
    expect(text).toContain('expires at 2027-01-01T00:00:00Z');
  });

  it.each([
    ['no list', { endpoints: undefined }],
    ['other values', { endpoints: [null, 'x', { endpoint: 1 }] }],
    ['no end', { notAfter: null }],
  ])('of endpoints with %s is sent all the same', (_, odd) => {
    const { text } = noticeOf(event('Certificate Not Served', { ...notServed, ...odd }), stackName);
    expect(text).toContain('cert-renewer probe web/tls');
    expect(text).not.toMatch(/undefined|null|\n\n\n/);
  });

  it('is not made of Certificate Served', () => {
    expect(() => noticeOf(event('Certificate Served', notServed), stackName)).toThrow(/not sent by e-mail/);
  });

  it('of a missing certificate says that there is none, not when it expires', () => {
    const never = { code: 'IssuanceNotAllowed', message: 'It may not.', failures: 1, notAfter: null };
    const failed = noticeOf(event('Certificate Renewal Failed', never), stackName);
    expect(failed.subject).toBe('cert-renewer: web/tls was not issued or renewed (IssuanceNotAllowed)');
    expect(failed.text.split('\n').slice(0, 3)).toEqual([
      'The certificate in web/tls (profile internal) could not be issued or renewed.',
      'IssuanceNotAllowed: It may not.',
      'Failures in a row: 1. No certificate is known in this secret yet.',
    ]);
    const renewAt = '2026-11-20T00:00:00Z';
    const overdue = noticeOf(event('Certificate Renewal Overdue', { renewAt, notAfter: null }), stackName);
    expect(overdue.subject).toBe('cert-renewer: web/tls is overdue');
    expect(overdue.text).toMatch(/ should have been issued by 2026-11-20T00:00:00Z, but it was not\.\n/);
    expect(overdue.text).not.toMatch(/expires|unknown|null/);
  });

  it.each([
    ['x'.repeat(300), 99],
    ['web/tls', 51],
    ['zertifikat/ü\n', 57],
  ])('has a subject that SNS accepts: ASCII, and less than 100 characters (%s)', (name, length) => {
    const { subject } = noticeOf(event('Certificate Renewal Failed', { ...failure, name }), stackName);
    expect(subject).toMatch(/^[\x20-\x7e]+$/);
    expect(subject).toHaveLength(length);
  });

  it('is published once, and logged', async () => {
    const sent: Notice[] = [];
    const journal = new FakeJournal();
    await sendNotice(
      { topic: { publish: async (notice) => void sent.push(notice) }, journal, stackName },
      event('Certificate Renewal Overdue', { renewAt: 'a', notAfter: 'b' }),
    );
    expect(sent.map(({ subject }) => subject)).toEqual(['cert-renewer: web/tls is overdue']);
    expect(journal.decisions).toMatchObject([{ secretArn }]);
  });

  it('fails if the topic fails, so that Lambda tries again', async () => {
    const topic = { publish: () => Promise.reject(new Error('no')) };
    const failing = sendNotice(
      { topic, journal: new FakeJournal(), stackName },
      event('Certificate Renewal Failed', failure),
    );
    await expect(failing).rejects.toThrow('no');
  });

  it.each([
    event('Certificate Renewed', {}),
    event('Certificate Renewal Failed', failure, { source: 'somebody' }),
    event('constructor', failure),
    { source: 'cert-renewer', 'detail-type': 'Certificate Renewal Failed' },
    'Certificate Renewal Failed',
    null,
  ])('is not made for another event (%j)', (other) => {
    expect(() => noticeOf(other, stackName)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
  });

  it('is made for each event that the stack has a rule for', () => {
    expect(noticedEvents).toEqual([
      'Certificate Renewal Failed',
      'Certificate Renewal Overdue',
      'Certificate Hook Failed',
      'Certificate Not Served',
    ]);
  });
});
