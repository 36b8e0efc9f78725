/** Certificates in each state, for `status <name>`: the secret's tags, and what the renew function answers about it. */
import { FunctionFailure } from '../../cli/aws/functions.ts';
import type { LogLine } from '../../cli/aws/observe.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { newOrderId } from '../../lambdas/domain/order-id.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { formatWait } from '../../lambdas/policy/waiting.ts';
import type { Shown, ShownCertificate, ShownDeclaration } from '../../lambdas/renewal/entry/show.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { hour, internal, start, World } from '../renewal/world.ts';
import { status } from '../renewal/zoo.ts';
import { type StageOptions, stage } from './stage.ts';

export const currentId = 'cert-renewer-5f2b7d31-0c0f3e9b7a4d4c1e9a52f0a1b2c3d4e5';
const previousId = 'b1a5a2d0-6a0e-4a53-9f0c-3c6a9d1f7e21';
const day = 24 * hour;

export function certificate(
  notBefore: number,
  notAfter: number,
  more: Partial<ShownCertificate> = {},
): ShownCertificate {
  return {
    subject: 'CN=web.example,O=Example',
    sans: ['dns:web.example', 'dns:www.web.example', 'ip:10.0.0.7'],
    issuer: 'CN=Example Intermediate,O=Example',
    serialNumber: '7d0c51b8f2a94be0',
    notBefore: formatInstant(notBefore),
    notAfter: formatInstant(notAfter),
    keyAlgorithm: 'EC P-256',
    fingerprintSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    keyIn: 'secret',
    chain: [{ subject: 'CN=Example Intermediate,O=Example', notAfter: formatInstant(start + 900 * day) }],
    end: formatInstant(notAfter),
    endsWith: 'leaf',
    ...more,
  };
}

const declaration: ShownDeclaration = {
  subject: 'O=Example',
  names: ['dns:web.example', 'dns:api.example'],
  usages: ['serverAuth', 'clientAuth'],
  duration: '720h',
  keyAlgorithm: 'RSA 3072',
  kmsKeyId: null,
  isMet: false,
  differences: [],
};

/** A line of the worker's log (lambdas/aws/journal.ts). */
export function logLine(secretArn: string, code: string, message: string, at: number, more: object = {}): LogLine {
  const line = { level: 'ERROR', message, timestamp: new Date(at).toISOString(), service: 'cert-renewer', secretArn };
  return { at: at + 500, text: JSON.stringify({ ...line, reason: { code, message }, retryable: false, ...more }) };
}

const valued = { value: '{}', versionId: previousId };

interface Scene {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly answer: Partial<Shown> | FunctionFailure;
  readonly message?: string;
  /** Milliseconds since the secret was made, with one version. Default: 30 days, with two. */
  readonly age?: number;
  /** How far the order is that is to replace the current version. Default: there is none. */
  readonly order?: 'order' | 'ended';
}

const minute = 60_000;
const waits = (since: number, again: number, until: number = again) => ({
  [tags.order]: formatWait(currentId, { since: start - since, again: start + again, until: start + until }),
});

const fresh = [start - 4 * hour, start + 20 * hour] as const;
const notDue = { action: 'skip', code: 'NotDue', message: 'Not due before 2026-11-23T00:00:00Z.' } as const;
const issued = { [tags.declared]: 'd2', [tags.issued]: 'd1' };

export const scenes = {
  ok: {
    name: 'web/tls',
    tags: { ...status(...fresh, currentId), [tags.expiresIn]: '8h30m', [tags.endpoints]: 'web.example:443' },
    answer: { certificate: certificate(...fresh) },
  },
  failing: {
    name: 'shop/production/frontend/tls',
    tags: {
      ...status(start - 22 * hour, start + 2 * hour, currentId),
      [tags.failure]: '3 2026-11-22T11:30:00Z CaRejected',
    },
    answer: { certificate: certificate(start - 22 * hour, start + 2 * hour) },
    message:
      'The CA https://ca.example:9000 answered 403: "certificate with serial number 7d0c51b8f2a94be0 was revoked". Issue a new certificate, and put it into the secret.',
  },
  'expired and paused': {
    name: 'web/tls',
    tags: { ...status(start - 3 * day, start - 2 * day, currentId), [tags.paused]: 'true' },
    answer: {
      certificate: certificate(start - 3 * day, start - 2 * day),
      decision: {
        action: 'skip',
        code: 'Paused',
        message: 'Paused by the tag cert-renewer:paused. Use force to renew it anyway.',
      },
    },
  },
  missing: {
    name: 'api/tls',
    age: 60_000,
    tags: { [tags.declared]: 'd1' },
    answer: {
      declaration,
      decision: {
        action: 'issue',
        code: 'Missing',
        message: 'The secret has no certificate. A certificate is declared for it.',
      },
    },
  },
  changed: {
    name: 'api/tls',
    tags: { ...status(...fresh, currentId), ...issued },
    answer: {
      certificate: certificate(...fresh),
      declaration: {
        ...declaration,
        differences: [
          'subjectAltName: dns:api.example is missing',
          'subjectAltName: dns:www.web.example was not declared',
          'key: EC P-256; declared is RSA 3072',
        ],
      },
    },
  },
  'unknown profile': {
    name: 'web/tls',
    tags: { [tags.profile]: 'intrenal' },
    answer: new FunctionFailure(
      'UnknownProfile',
      'The tag cert-renewer:profile is "intrenal", but this stack has no such profile: correct the tag, or deploy the profile.',
    ),
  },
  'broken since': {
    name: 'web/tls',
    tags: { ...status(...fresh, previousId) },
    answer: new FunctionFailure(
      'KeyMismatch',
      'The private key (public key of 91 bytes) does not match the certificate: store a certificate and its own key in the secret.',
    ),
  },
  'waiting for an order': {
    name: 'shop/tls',
    tags: {
      ...status(start - 17 * hour, start + 7 * hour, currentId),
      ...waits(2 * hour + 5 * minute, 10 * minute),
      ...{ [tags.declared]: 'd1', [tags.issued]: 'd1' },
    },
    answer: {
      certificate: certificate(start - 17 * hour, start + 7 * hour),
      declaration: { ...declaration, isMet: true },
    },
    order: 'order',
  },
  'waiting for a limit': {
    name: 'shop/tls',
    tags: { ...status(start - 17 * hour, start + 7 * hour, currentId), ...waits(minute, 15 * minute, 70 * minute) },
    answer: { certificate: certificate(start - 17 * hour, start + 7 * hour) },
    order: 'ended',
  },
  authority: {
    name: 'pki/issuing',
    tags: { ...status(start - 100 * day, start + 900 * day, currentId) },
    answer: {
      certificate: certificate(start - 100 * day, start + 900 * day, {
        ...{ subject: 'CN=Example Issuing,O=Example', sans: [], issuer: 'CN=Example Root', keyIn: 'kms' },
        ...{ chain: [], endsWith: 'chain', end: formatInstant(start + 800 * day) },
      }),
    },
  },
} as const satisfies Record<string, Scene>;

export type SceneName = keyof typeof scenes;

/** A command line in a world with this certificate only. */
export function sceneStage(name: SceneName, more: StageOptions = {}) {
  const scene: Scene = scenes[name];
  const world = new World(internal);
  const isAuthority = name === 'authority';
  const enrolled = isAuthority ? {} : { [tags.profile]: 'internal' };
  world.clock.set(scene.age === undefined ? start - 30 * day : start - scene.age);
  const arn = world.store.add({ ...valued, name: scene.name, tags: { ...enrolled, ...scene.tags } });
  if (scene.age === undefined) {
    world.clock.set(start - 4 * hour);
    world.store.write(arn, '{}', currentId);
  }
  world.clock.set(start);
  if (scene.order !== undefined) {
    const placed = { number: scene.order === 'ended' ? 1 : 0, declaration: undefined };
    const id = newOrderId(scene.order, currentId, placed, (length) => new Uint8Array(length).fill(7));
    world.store.keepOrder(arn, id, { kind: 'string', text: '{}' });
  }
  const authorities = isAuthority ? new FakeAuthorities(authority('issuing')) : undefined;
  const { answer, message } = scene;
  const usual = stage({ world }).session;
  const session = {
    deployment: async () => ({ ...(await usual.deployment()), authorities }),
    observer: {
      ...usual.observer,
      logWith: async () => {
        const line = logLine(arn, 'CaRejected', message ?? '', start - 1_800_000);
        return message === undefined ? [] : [line];
      },
    },
    ...more.session,
  };
  const invoke = () => {
    if (answer instanceof FunctionFailure) throw answer;
    const nothing = { certificate: null, declaration: null, order: null, renewAt: null, warnings: [], obstacle: null };
    const usualAnswer = { secretArn: arn, profile: 'internal', versionId: currentId, ...nothing, decision: notDue };
    return { ...usualAnswer, ...answer };
  };
  return { ...stage({ invoke, ...more, world, session }), arn, name: scene.name };
}
