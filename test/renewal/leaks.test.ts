/**
 * docs/guarantees.md, G6, in one process: the test causes every error code through the real use cases, CA clients, translator
 * of AWS's errors and journal. Keys, passwords and tokens are within reach of each error. Then it searches all outputs for
 * them.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answer } from '../../lambdas/authority/http/api.ts';
import { declaredShapes } from '../../lambdas/domain/declaration.ts';
import { errorCodes, RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { importCertificate } from '../../lambdas/hooks/import-certificate.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import type { RenewalWorld } from '../../lambdas/renewal/world.ts';
import { makeHierarchy, pem, spkiOf } from '../../testkit/certificates/index.ts';
import { scene as apiScene, tokens as apiTokens, usual } from '../authority/http/scene.ts';
import { renewedEvent } from '../hooks/events.ts';
import { hour, now } from '../providers/step-ca/mock-ca.ts';
import { leaks, password, secretsOf, tokens } from '../support/leaks.ts';
import {
  awsRefusal,
  clipboards,
  closeAll,
  echoing,
  echoingIssuer,
  encrypted,
  infisical,
  keptCa,
  keyPassword,
  pkcs8,
  Stage,
  withCa,
  withText,
} from './stage.ts';
import { dueDates, pairOf } from './world.ts';

afterAll(closeAll);

type Mishap = (stage: Stage) => Promise<unknown>;

const mishaps: Readonly<Record<string, Mishap>> = {
  ...Object.fromEntries(
    Object.entries(clipboards).flatMap(([form, write]): [string, Mishap][] => [
      [
        `${form} in every field of a request`,
        async (stage) => {
          const text = write(stage.key());
          const secretId = stage.enrol();
          await stage.everyWay({ secretId: text });
          await stage.everyWay({ secretId: `arn:aws:secretsmanager:us-east-1:1:secret:${text}` });
          for (const field of ['privateKey', 'out']) await stage.everyWay({ secretId, [field]: { secretId: text } });
          await stage.everyWay({ secretId, privateKey: { kmsKeyId: text } });
          for (const field of ['mode', 'expiresIn', 'kty', text]) await stage.everyWay({ secretId, [field]: text });
        },
      ],
      [
        `${form} in every tag`,
        async (stage) => {
          const text = write(stage.key()).slice(0, 256);
          for (const tag of Object.values(tags)) {
            await stage.everyWay({ secretId: stage.enrol({ name: tag, tags: { [tag]: text } }) });
          }
        },
      ],
      [
        `${form} as kmsKeyId, as a field's name, and beside a wrong shape`,
        async (stage) => {
          const text = write(stage.key());
          await withText(stage, (certificate) => JSON.stringify({ certificate, kmsKeyId: text }));
          await withText(stage, (certificate) => JSON.stringify({ certificate, [text]: text }));
          await withText(stage, () => text);
          await withText(stage, (certificate) => JSON.stringify({ certificate: text, privateKey: certificate }));
        },
      ],
    ]),
  ),
  'SecretNotFound, of the request and of a key': async (stage) => {
    await stage.everyWay({ secretId: 'nowhere' });
    await stage.everyWay({ secretId: stage.enrol(), privateKey: { secretId: 'nowhere' } });
  },
  SecretNotEnrolled: async (stage) => {
    stage.world.store.add({ name: 'other', value: pkcs8(stage.key()) });
    await stage.everyWay({ secretId: 'other' });
  },
  'UnsupportedSecret: a cut key': (stage) =>
    withText(stage, (certificate, key) => JSON.stringify({ certificate, privateKey: key.slice(0, 150) })),
  'UnsupportedSecret: cut JSON': (stage) =>
    withText(stage, (certificate, key) => JSON.stringify({ privateKey: key, certificate }).slice(0, 400)),
  'UnsupportedSecret: user and password': (stage) =>
    withText(stage, () => JSON.stringify({ username: 'admin', password: keyPassword })),
  'InvalidCertificate: the key in its place': (stage) =>
    withText(stage, (_, key) =>
      JSON.stringify({ certificate: key.replaceAll('PRIVATE KEY', 'CERTIFICATE'), privateKey: key }),
    ),
  KeyMismatch: (stage) =>
    withText(stage, (certificate) => JSON.stringify({ certificate, privateKey: pkcs8(stage.key('RSA-2048')) })),
  WeakKey: async (stage) => {
    const value = pkcs8(stage.key('RSA-1024'));
    stage.world.store.add({ name: 'weak', value, tags: { [tags.profile]: 'internal' } });
    await stage.everyWay({ secretId: stage.enrol(), privateKey: { secretId: 'weak' } });
  },
  'PasswordRequired: another password': (stage) => {
    const key = stage.key();
    const privateKey = encrypted(key, randomBytes(9).toString('hex'));
    return withText(stage, (certificate) => JSON.stringify({ certificate, privateKey }));
  },
  'PasswordRequired: a password in binary': (stage) => {
    stage.world.store.write('pki/password', { kind: 'binary', bytes: Buffer.from(keyPassword) });
    return withText(stage, (certificate) =>
      JSON.stringify({ certificate, privateKey: encrypted(stage.key(), keyPassword) }),
    );
  },
  CertificateExpired: async (stage) => {
    const { notBefore } = dueDates;
    await stage.everyWay({ secretId: stage.enrol({ notBefore, notAfter: notBefore + hour }) });
  },
  NotYetValid: async (stage) => {
    const notBefore = stage.world.clock.now() + hour;
    const secretId = stage.enrol({ notBefore, notAfter: notBefore + 2 * hour });
    await stage.everyWay({ secretId, force: true });
  },
  'CaUnavailable: a CA that repeats the request': (stage) => echoing(stage, 500),
  'CaUnavailable: the same with a CSR': (stage) => echoing(stage, 503, 'rekey'),
  'CaRejected: a CA that repeats the request': (stage) => echoing(stage, 400),
  'CaRejected: the same with a CSR': (stage) => echoing(stage, 403, 'rekey'),
  'CaUntrusted: another root': async (stage) => {
    const ca = await keptCa([[201, {}]]);
    const root = pem(makeHierarchy(now - hour, now + hour).root);
    await withCa(stage, ca.provider({ root }));
  },
  'Infisical at the login': (stage) => infisical(stage, /login/, 401),
  'Infisical at the renewal': (stage) => infisical(stage, /renew/, 403),
  'Infisical out of order': (stage) => infisical(stage, /renew/, 502),
  'CertificateRejected: for another key': async (stage) => {
    stage.world.ca.tamper = (template) => ({ ...template, spki: spkiOf(stage.key()) });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'CertificateRejected: a key instead of a certificate': async (stage) => {
    const key = stage.key();
    stage.world.ca.tamperChain = () => [key.export({ type: 'pkcs8', format: 'der' })];
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'KmsDenied, and AWS quotes': async (stage) => {
    const text = pkcs8(stage.key());
    const refused = awsRefusal('AccessDeniedException', `not authorized on ${text} because ${text}`, 'kms');
    stage.world.faults.failBefore('read', refused, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'KmsUnavailable, and AWS quotes': async (stage) => {
    stage.world.faults.failBefore('read', awsRefusal('KMSInternalException', pkcs8(stage.key()), 'kms', 500), {
      times: 99,
    });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'AccessDenied, and AWS quotes': async (stage) => {
    const refused = awsRefusal('AccessDeniedException', pkcs8(stage.key()), 'secrets');
    stage.world.faults.failBefore('stage', refused, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'Throttled, and AWS quotes': async (stage) => {
    const refused = awsRefusal('ThrottlingException', pkcs8(stage.key()), 'secrets');
    stage.world.faults.failBefore('promote', refused, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'SecretChanged: outdated answers': async (stage) => {
    stage.world.faults.failBefore('promote', new RenewalError('SecretChanged', 'It was.'), { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  OutputExists: async (stage) => {
    const value = pkcs8(stage.key());
    stage.world.store.add({ name: 'out', value, tags: { [tags.profile]: 'internal' } });
    await stage.everyWay({ secretId: stage.enrol(), out: { secretId: 'out' } });
  },
  'Internal: a parser that quotes its input': async (stage) => {
    const text = pkcs8(stage.key());
    const thrown = new SyntaxError(`Unexpected token "${text}" is not valid JSON`, { cause: new Error(text) });
    Object.assign(thrown, { input: text, code: text });
    stage.world.faults.failBefore('read', thrown, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'Internal: an error with a key for a name, and no error at all': async (stage) => {
    const text = pkcs8(stage.key());
    const named = Object.assign(new Error(text), { name: text });
    stage.world.ca.faults.failBefore('rekey', named, { times: 3 });
    stage.world.faults.meanwhile('before', 'stage', () => Promise.reject(text), { times: 99 });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'native rotation, and a key in its event': async (stage) => {
    const secretId = stage.enrol();
    const world: RenewalWorld = { ...stage.world, journal: stage.journal };
    for (const write of Object.values(clipboards)) {
      const text = write(stage.key());
      const ClientRequestToken = text.slice(0, 64);
      await stage.attempt(() => rotateStep(world, { Step: text, SecretId: secretId, ClientRequestToken }));
      await stage.attempt(() => rotateStep(world, { Step: 'createSecret', SecretId: text, ClientRequestToken }));
      await stage.attempt(() => rotateStep(world, { Step: 'createSecret', SecretId: secretId, ClientRequestToken }));
    }
  },
  'the CA API: tokens good, bad and in the wrong place, and a key in each': async (stage) => {
    const key = pkcs8(stage.key());
    stage.secrets.push(...Object.entries(apiTokens).map(([name, token]) => password(name, token)));
    const broken = JSON.stringify([apiTokens.all, apiTokens.issuing, key]);
    for (const { stack, ...api } of [
      await apiScene(),
      await apiScene({ prepare: ({ store }) => void store.write('api/tokens', broken) }),
    ]) {
      for (const text of [...Object.values(apiTokens), key, encodeURIComponent(key)]) {
        const more = [
          { authorization: `Bearer ${text}` },
          { authorization: text },
          { path: `/api/v1/pki/ca/${text}/renew` },
          { path: `/${text}` },
          { body: Buffer.from(JSON.stringify({ type: text, notAfter: text })) },
          // Only the sender may see the name of an unknown field. If the name is a key, nobody may.
          ...(text === key ? [{ body: Buffer.from(JSON.stringify({ type: 'existing', [text]: text })) }] : []),
          { body: Buffer.from(text) },
        ];
        for (const fields of more) {
          await stage.attempt(() => answer({ ...api, journal: stage.journal }, { ...usual, ...fields }));
        }
      }
      stage.told.push({ place: 'the events of the stack', text: JSON.stringify(stack.publisher.events) });
    }
  },
  'a hook that imports into ACM, and AWS quotes': async (stage) => {
    const key = stage.key();
    const secretArn = stage.enrol({ key });
    const importer = { import: () => Promise.reject(awsRefusal('ValidationException', pkcs8(key), 'acm')) };
    const { publisher, store } = stage.world;
    const certificates = new Map([['web/tls', 'arn:aws:acm:us-east-1:000000000000:certificate/1']]);
    const hook = { profile: 'web', type: 'acm', certificates, passwordSecretId: undefined } as const;
    const world = { publisher, store, importer, journal: stage.journal };
    await stage.attempt(() => importCertificate(world, hook, renewedEvent({ secretArn }, { resources: [secretArn] })));
    expect(publisher.of('Certificate Hook Failed')).toHaveLength(1);
  },
  ...Object.fromEntries(
    [...declaredShapes, undefined].map((shape): [string, Mishap] => [
      shape
        ? `issuing what is declared, in the shape ${shape} with a password`
        : 'issuing what is declared, unencrypted',
      async (stage) => {
        const secretId = await stage.declare(shape && { shape }, shape !== undefined);
        await stage.everyWay({ secretId });
        await stage.keepSecretsOf(secretId);
        await stage.declare({ ...(shape && { shape }), dnsNames: ['api.svc.example'] }, shape !== undefined);
        await stage.everyWay({ secretId });
        await stage.keepSecretsOf(secretId);
      },
    ]),
  ),
  'IssuanceNotAllowed: a name outside of allow': async (stage) => {
    await stage.everyWay({ secretId: await stage.declare({ dnsNames: ['web.evil.example'] }) });
    stage.key();
  },
  'IssuanceNotAllowed: a key for a name': async (stage) => {
    const hex = stage.key().export({ type: 'sec1', format: 'der' }).toString('hex');
    await stage.everyWay({ secretId: await stage.declare({ uris: [`urn:key:${hex}`] }) });
  },
  'a key in every field of a declaration, instead of it, and beside it': async (stage) => {
    const secretId = await stage.declare();
    for (const write of Object.values(clipboards)) {
      const text = write(stage.key());
      const document = { secretName: secretId, profile: 'internal', dnsNames: ['web.svc.example'] };
      const fields = ['secretName', 'profile', 'commonName', 'subject', 'duration', 'kty', 'kmsKeyId', 'shape', text];
      const texts = [
        text,
        JSON.stringify({ ...document, dnsNames: [text] }),
        JSON.stringify({ ...document, dnsNames: text, usages: [text] }),
        ...fields.map((field) => JSON.stringify({ ...document, [field]: text })),
      ];
      for (const parameter of texts) {
        stage.world.declarations.write(secretId, parameter);
        await stage.everyWay({ secretId });
      }
    }
  },
  'AccessDenied and Throttled at the parameter, and AWS quotes': async (stage) => {
    const secretId = await stage.declare();
    for (const name of ['AccessDeniedException', 'ThrottlingException', 'InternalServerError']) {
      const refused = awsRefusal(name, pkcs8(stage.key()), 'ssm');
      stage.world.faults.failBefore('declaration', refused, { times: 5 });
      await stage.everyWay({ secretId });
    }
  },
  'a CA that issues for another key': async (stage) => {
    stage.world.ca.tamper = (template) => ({ ...template, spki: spkiOf(stage.key()) });
    await stage.everyWay({ secretId: await stage.declare() });
  },
  'CaUnavailable: a CA that repeats the one-time token': (stage) => echoingIssuer(stage, 500),
  'CaRejected: a CA that repeats the one-time token': (stage) => echoingIssuer(stage, 403),
  'a declared secret with user and password, and force': async (stage) => {
    const secretId = await stage.declare();
    stage.world.store.write(secretId, JSON.stringify({ username: 'admin', password: keyPassword }), 'v1');
    await stage.everyWay({ secretId });
    await stage.everyWay({ secretId, force: true });
    await stage.keepSecretsOf(secretId);
  },
  'a renewal that succeeds': async (stage) => {
    await stage.everyWay({ secretId: stage.enrol() });
    stage.secrets.push(secretsOf('the new key', pairOf(stage.world.store.value('web/tls')).key));
  },
};

describe('no key, password or token', () => {
  const stages = new Map<string, Stage>();

  beforeAll(async () => {
    vi.stubEnv('POWERTOOLS_DEV', '');
    for (const [name, mishap] of Object.entries(mishaps)) {
      const lines: string[] = [];
      const write = (chunk: unknown) => lines.push(String(chunk)) > 0;
      const spies = [process.stdout, process.stderr].map((stream) =>
        vi.spyOn(stream, 'write').mockImplementation(write),
      );
      const stage = new Stage(lines);
      stages.set(name, stage);
      try {
        await mishap(stage);
        await stage.end();
      } finally {
        for (const spy of spies) spy.mockRestore();
      }
    }
    vi.unstubAllEnvs();
  }, 120_000);

  it.each(Object.keys(mishaps))('%s', (name) => {
    const stage = stages.get(name);
    expect(stage?.told.length).toBeGreaterThan(8);
    expect(stage?.secrets.length).toBeGreaterThan(1);
    expect(leaks(stage?.told ?? [], stage?.secrets ?? [])).toEqual([]);
    expect(tokens(stage?.told ?? [])).toEqual([]);
  });

  it('although every error code was reached and logged', () => {
    const lines = [...stages.values()].flatMap(({ lines }) => lines).filter((line) => line.startsWith('{'));
    const codes = new Set(lines.map((line) => JSON.parse(line).reason?.code));
    // Only the command line reports NotDeclared.
    expect(Object.keys(errorCodes).filter((code) => !codes.has(code))).toEqual(['NotDeclared']);
  });
});
