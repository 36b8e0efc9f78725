// A fake AWS that answers at once or with a given latency. It has the calls of a scan and of a renewal, on secrets made from numbers.
// It is a separate process, so that its CPU time is not counted. It is plain JavaScript, because it is started often.
// Prints its ports of HTTP and HTTPS. POST /_bench sets the world (see bench/parts/aws.ts), GET /_bench
// returns the calls since then.   node aws.mjs <certificate and chain, PEM> <its key>
import { createHash, createPublicKey, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

process.stdin.on('end', () => process.exit()).resume(); // its starter is gone

const account = 'us-east-1:000000000000';
const arnPrefix = `arn:aws:secretsmanager:${account}:secret:`;
const firstVersion = '00000000-0000-4000-8000-000000000000';
const pageLength = 100;

let world = {};
let versions = new Map(); // written versions by secret
let calls = {};
let tokens = 0; // left in the bucket of the quota of writes
let filledAt = 0; // milliseconds
let returned = {}; // by receipt: when a message becomes visible again (milliseconds since 1970)

/** `s-<number>` is a secret made from its number. The world names all others. */
function secretOf(id) {
  const name = id.startsWith(arnPrefix) ? id.slice(arnPrefix.length, -7) : id;
  const number = /^s-(\d+)$/.exec(name)?.[1];
  return { name, arn: `${arnPrefix}${name}-AbCdEf`, number: number === undefined ? undefined : Number(number) };
}

function tagsOf({ number }) {
  if (number === undefined) return [];
  const isDue = world.dueEvery > 0 && number % world.dueEvery === 0;
  const window = isDue ? world.due : world.notDue;
  return Object.entries({
    'cert-renewer:profile': world.profile,
    ...world.tags,
    ...(window && {
      'cert-renewer:version-id': firstVersion,
      'cert-renewer:not-before': window.notBefore,
      'cert-renewer:not-after': window.notAfter,
    }),
  }).map(([Key, Value]) => ({ Key, Value }));
}

const stagesOf = ({ name }) => {
  const found = versions.get(name);
  return found
    ? Object.fromEntries([...found].map(([id, { stages }]) => [id, stages]))
    : { [firstVersion]: ['AWSCURRENT'] };
};

function contentOf({ name, number }, id) {
  const written = versions.get(name)?.get(id)?.value;
  return written ?? (number === undefined ? world.named?.[name] : world.values[number % world.values.length]);
}

function written({ name }) {
  const found = versions.get(name) ?? new Map([[firstVersion, { stages: ['AWSCURRENT'] }]]);
  versions.set(name, found);
  return found;
}

function entry(number) {
  const secret = secretOf(`s-${number}`);
  return {
    ARN: secret.arn,
    Name: secret.name,
    Tags: tagsOf(secret),
    SecretVersionsToStages: stagesOf(secret),
    CreatedDate: 1.7e9,
    LastChangedDate: 1.7e9,
  };
}

const answers = {
  ListSecrets({ NextToken = '0' }) {
    const from = Number(NextToken);
    const to = Math.min(from + pageLength, world.count);
    const SecretList = Array.from({ length: to - from }, (_, index) => entry(from + index));
    return { SecretList, ...(to < world.count && { NextToken: String(to) }) };
  },
  DescribeSecret({ SecretId }) {
    const secret = secretOf(SecretId);
    return { ARN: secret.arn, Name: secret.name, Tags: tagsOf(secret), VersionIdsToStages: stagesOf(secret) };
  },
  GetSecretValue({ SecretId, VersionId }) {
    const secret = secretOf(SecretId);
    const id = VersionId ?? Object.entries(stagesOf(secret)).find(([, stages]) => stages.includes('AWSCURRENT'))?.[0];
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: id,
      SecretString: contentOf(secret, id),
      CreatedDate: 1.7e9,
    };
  },
  PutSecretValue({ SecretId, ClientRequestToken, SecretString, VersionStages }) {
    const secret = secretOf(SecretId);
    written(secret).set(ClientRequestToken, { value: SecretString, stages: VersionStages });
    return { ARN: secret.arn, Name: secret.name, VersionId: ClientRequestToken, VersionStages };
  },
  UpdateSecretVersionStage({ SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }) {
    const secret = secretOf(SecretId);
    const found = written(secret);
    const [holder] = [...found].find(([, { stages }]) => stages.includes(VersionStage)) ?? [];
    if (holder !== RemoveFromVersionId) return undefined;
    for (const version of found.values())
      version.stages = version.stages.filter((stage) => stage !== VersionStage && stage !== 'AWSPREVIOUS');
    found.get(RemoveFromVersionId).stages.push('AWSPREVIOUS');
    found.get(MoveToVersionId).stages = [VersionStage];
    return { ARN: secret.arn, Name: secret.name };
  },
  TagResource: () => ({}),
  UntagResource: () => ({}),
  GetParameter: ({ Name }) => ({ Parameter: { Name, Value: world.parameters[Name] } }),
  PutEvents: ({ Entries }) => ({
    FailedEntryCount: 0,
    Entries: Entries.map((_, index) => ({ EventId: String(index) })),
  }),
  SendMessageBatch({ Entries }) {
    return {
      Successful: Entries.map(({ Id, MessageBody }) => ({
        Id,
        MessageId: Id,
        MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
      })),
      Failed: [],
    };
  },
  ChangeMessageVisibility({ ReceiptHandle, VisibilityTimeout }) {
    returned[ReceiptHandle] = Date.now() + VisibilityTimeout * 1000;
    return {};
  },
  SendCommand: ({ DocumentName }) => ({ Command: { CommandId: firstVersion, DocumentName } }),
  // Ed25519, because Node can't sign a given digest.
  GetPublicKey({ KeyId }) {
    const PublicKey = createPublicKey(world.kmsKey).export({ type: 'spki', format: 'der' }).toString('base64');
    const KeySpec = 'ECC_NIST_EDWARDS25519';
    return { KeyId, KeySpec, KeyUsage: 'SIGN_VERIFY', PublicKey, SigningAlgorithms: ['ED25519_SHA_512'] };
  },
  Sign({ KeyId, Message, SigningAlgorithm }) {
    const signature = sign(null, Buffer.from(Message, 'base64'), world.kmsKey);
    return { KeyId, Signature: signature.toString('base64'), SigningAlgorithm };
  },
};

const isWrite = new Set(['PutSecretValue', 'UpdateSecretVersionStage']);

/** The account's quota: a token bucket with room for a second's calls. */
function overQuota(api) {
  const { writesPerSecond } = world;
  if (writesPerSecond === undefined || !isWrite.has(api)) return false;
  const now = performance.now();
  tokens = Math.min(writesPerSecond, tokens + ((now - filledAt) * writesPerSecond) / 1000);
  filledAt = now;
  if (tokens < 1) return true;
  tokens -= 1;
  return false;
}

function answer(api, body) {
  if (!(api in answers)) return { status: 400, body: { __type: 'UnknownOperationException', message: api } };
  calls[api] = (calls[api] ?? 0) + 1;
  if (overQuota(api)) {
    calls.throttled = (calls.throttled ?? 0) + 1;
    return { status: 400, body: { __type: 'ThrottlingException', message: 'Rate exceeded' } };
  }
  const found = answers[api](JSON.parse(body));
  return found
    ? { status: 200, body: found }
    : { status: 400, body: { __type: 'InvalidParameterException', message: 'not held' } };
}

/** Returns the number of secrets with a new version and a new certificate. */
function renewed() {
  return [...versions].filter(([name, found]) => {
    const [id, current] = [...found].find(([, { stages }]) => stages.includes('AWSCURRENT')) ?? [];
    const was = contentOf(secretOf(name), firstVersion);
    return id !== firstVersion && JSON.parse(current.value).certificate !== JSON.parse(was).certificate;
  }).length;
}

function control(method, body) {
  if (method === 'POST') {
    world = JSON.parse(body);
    versions = new Map();
    calls = {};
    tokens = world.writesPerSecond ?? 0;
    filledAt = performance.now();
    returned = {};
  }
  return { calls, returned, renewed: renewed() };
}

function serve(incoming, response) {
  const parts = [];
  incoming.on('data', (part) => parts.push(part));
  incoming.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const api = incoming.headers['x-amz-target']?.split('.').at(-1);
    const found = api === undefined ? { status: 200, body: control(incoming.method, body) } : answer(api, body);
    const text = JSON.stringify(found.body);
    const type = 'application/x-amz-json-1.1';
    const send = () =>
      response.writeHead(found.status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
    const delay = api === undefined ? 0 : (world.delays?.[api] ?? world.latency ?? 0);
    if (delay > 0) setTimeout(send, delay);
    else send();
  });
}

const [cert, key] = process.argv.slice(2);
const servers = [createServer(serve), ...(key ? [createTlsServer({ cert, key }, serve)] : [])];
await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
process.stdout.write(`${servers.map((server) => server.address().port).join(' ')}\n`);
