/**
 * Every shape of docs/secrets.md in forms that users write, with other content that must stay. A form builds a value from the
 * pieces, and finds the pieces in what cert-renewer wrote. Built into the same form again, they must give the same bytes.
 */
import type { KeyObject } from 'node:crypto';
import { beside, quickJava } from './programs.ts';

/** All in PEM, each block with its line end. */
export interface Pieces {
  readonly leaf: string;
  readonly chain: string;
  readonly key: string;
}

export interface TextForm {
  readonly kind: 'text';
  readonly name: string;
  readonly encrypted: boolean;
  /** The private key's block in the encoding of this form. */
  readonly keyBlock: (key: KeyObject, programs: Programs) => Promise<string>;
  readonly write: (pieces: Pieces) => string;
  readonly read: (value: string) => Pieces;
}

export interface FileForm {
  readonly kind: 'file';
  readonly name: string;
  /** The PKCS#12 file. */
  readonly pack: (pieces: Pieces, programs: Programs) => Promise<Buffer>;
  readonly write: (file: Buffer) => string | Uint8Array;
  readonly read: (value: string | Uint8Array) => Buffer;
}

export type Form = TextForm | FileForm;

export interface Programs {
  readonly step: string;
  readonly password: string;
}

const keyPattern = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\r?\n[\s\S]*?-----END \1-----\r?\n?/;
const certificatePattern = /-----BEGIN CERTIFICATE-----\r?\n[^-]*-----END CERTIFICATE-----\r?\n?/g;

const unix = (pem: string): string => `${pem.replaceAll('\r\n', '\n').trimEnd()}\n`;
const dos = (pem: string): string => pem.replaceAll('\n', '\r\n');

function member(value: string, ...path: (string | number)[]): string {
  let found: unknown = JSON.parse(value);
  for (const name of path) found = (found as Record<string | number, unknown>)[name]; // JSON.parse gives objects and arrays
  if (typeof found !== 'string') throw new Error(`${path.join('.')} is ${typeof found}, expected text`);
  return found;
}

function certificates(pem: string, count: number): string[] {
  const found = pem.match(certificatePattern) ?? [];
  if (found.length !== count) throw new Error(`${found.length} certificates, expected ${count}`);
  return found.map(unix);
}

const pkcs8 = async (key: KeyObject): Promise<string> => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** SEC1 or PKCS#1; PKCS#8 for Ed25519, which has no other encoding. */
async function traditional(key: KeyObject): Promise<string> {
  const types = { ec: 'sec1', rsa: 'pkcs1' } as const;
  const type = types[key.asymmetricKeyType as keyof typeof types] ?? 'pkcs8';
  return key.export({ type, format: 'pem' }).toString();
}

const camel: TextForm = {
  kind: 'text',
  name: 'JSON, camel',
  encrypted: false,
  keyBlock: pkcs8,
  write: ({ leaf, chain, key }) =>
    `{\n\t"id" : 1234567890123456789012345 ,"e":1.50E+400, "note": "caf\\u00e9 \\/ \\ud83d\\udd11",\r\n  "__proto__": {"certificate": "mine"},\n "certificate":${JSON.stringify(leaf)},"privateKey":   ${JSON.stringify(key)},\n\n "certificateChain": ${JSON.stringify(chain.trimEnd())}, "tags": [ null, true ,{"privateKey":"mine"}] } \n`,
  read: (value) => ({
    leaf: member(value, 'certificate'),
    key: member(value, 'privateKey'),
    chain: `${member(value, 'certificateChain')}\n`,
  }),
};

const snake: TextForm = {
  kind: 'text',
  name: 'JSON, snake, with a key in its traditional encoding',
  encrypted: false,
  keyBlock: traditional,
  write: ({ leaf, chain, key }) =>
    `{"request_id":"0f","lease_duration":0,"ca_chain":[${JSON.stringify(chain.trimEnd())}],"certificate":${JSON.stringify(leaf.trimEnd())},"expiration":1764000000,"issuing_ca":${JSON.stringify(chain.trimEnd())},"private_key":${JSON.stringify(key.trimEnd())},"private_key_type":"kept"}`,
  read: (value) => ({
    leaf: `${member(value, 'certificate')}\n`,
    key: `${member(value, 'private_key')}\n`,
    chain: `${member(value, 'ca_chain', 0)}\n`,
  }),
};

const tls: TextForm = {
  kind: 'text',
  name: 'JSON, TLS, with CRLF',
  encrypted: false,
  keyBlock: pkcs8,
  write: ({ leaf, chain, key }) =>
    `{ "tls.crt": ${JSON.stringify(dos(leaf + chain))}, "tls.key": ${JSON.stringify(dos(key))}, "ca.crt": "trust,\\n not looked at", "type": "kubernetes.io/tls" }`,
  read: (value) => {
    const [leaf = '', chain = ''] = certificates(member(value, 'tls.crt'), 2);
    return { leaf, chain, key: unix(member(value, 'tls.key')) };
  },
};

const pemText = (name: string, encrypted: boolean, keyBlock: TextForm['keyBlock']): TextForm => ({
  kind: 'text',
  name,
  encrypted,
  keyBlock,
  write: ({ leaf, chain, key }) =>
    `# the chain comes first here\nBag Attributes: <Empty>\n${chain}\n  then the key:\n${key}subject=/CN=kept by hand\n\n${leaf.trimEnd()}`,
  read: (value) => {
    const [chain = '', leaf = ''] = certificates(value, 2);
    return { leaf, chain, key: keyPattern.exec(value)?.[0] ?? '' };
  },
});

const byOpenssl: TextForm['keyBlock'] = async (key, { password }) =>
  beside({ 'key.pem': await pkcs8(key), password }, ({ call }) =>
    call(
      'openssl',
      ...['pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'file:password'],
      ...['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA256', '-iter', '12345'],
    ),
  );

/** Legacy `Proc-Type: 4,ENCRYPTED` for EC and RSA, encrypted PKCS#8 for Ed25519. */
const byStep: TextForm['keyBlock'] = async (key, { step, password }) =>
  beside({ 'key.pem': await traditional(key), password }, async ({ call, read }) => {
    await call(step, 'crypto', 'change-pass', '--force', '--new-password-file', 'password', 'key.pem');
    return (await read('key.pem')).toString();
  });

const encryptedCamel: TextForm = {
  ...camel,
  name: 'JSON, camel, with an encrypted PKCS#8 key',
  encrypted: true,
  keyBlock: byOpenssl,
};

const within = (pem: string): string => pem.replaceAll(/^(?=.)/gm, '      ');

const cloudInit: TextForm = {
  kind: 'text',
  name: 'YAML, as cloud-init has it, with a key as step encrypts it',
  encrypted: true,
  keyBlock: byStep,
  write: ({ leaf, chain, key }) =>
    `#cloud-config\nwrite_files:\n  - path: /etc/tls/tls.key\n    permissions: '0600'\n    content: |\n${within(key)}  - path: /etc/tls/tls.crt\n    content: |\n${within(leaf + chain)}runcmd: [nginx -s reload]\n`,
  read: (value) => {
    const text = value.replaceAll(/^ {6}/gm, '');
    const [leaf = '', chain = ''] = certificates(text, 2);
    return { leaf, chain, key: keyPattern.exec(text)?.[0] ?? '' };
  },
};

const packByOpenssl: FileForm['pack'] = ({ leaf, chain, key }, { password }) =>
  beside({ 'leaf.pem': leaf, 'chain.pem': chain, 'key.pem': key, password }, async ({ call, read }) => {
    const files = ['-in', 'leaf.pem', '-inkey', 'key.pem', '-certfile', 'chain.pem', '-out', 'pair.p12'];
    await call('openssl', 'pkcs12', '-export', ...files, '-name', 'Web Server', '-passout', 'file:password');
    return read('pair.p12');
  });

/** keytool imports a key only from another store. */
const packByKeytool: FileForm['pack'] = async (pieces, programs) => {
  const file = await packByOpenssl(pieces, programs);
  return beside({ 'from.p12': file, password: programs.password }, async ({ call, read }) => {
    const from = ['-srckeystore', 'from.p12', '-srcstoretype', 'PKCS12', '-srcstorepass:file', 'password'];
    const to = ['-destkeystore', 'to.p12', '-deststoretype', 'PKCS12', '-deststorepass:file', 'password'];
    await call('keytool', ...quickJava, '-importkeystore', '-noprompt', ...from, ...to);
    return read('to.p12');
  });
};

const pkcs12: FileForm = {
  kind: 'file',
  name: 'PKCS#12 as SecretBinary, made by openssl',
  pack: packByOpenssl,
  write: (file) => new Uint8Array(file),
  read: (value) => {
    if (typeof value === 'string') throw new Error('it was binary, and is text');
    return Buffer.from(value);
  },
};

const jsonPkcs12: FileForm = {
  kind: 'file',
  name: 'PKCS#12 in a JSON field, made by keytool, with a newline behind the file',
  pack: packByKeytool,
  write: (file) => {
    const lines = `${Buffer.concat([file, Buffer.from('\n')])
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n`;
    return `{"alias":"web","n":12345678901234567890.0,\n  "pkcs12" : ${JSON.stringify(lines)}, "privateKey": "mine" }`;
  },
  read: (value) => {
    if (typeof value !== 'string') throw new Error('it was text, and is binary');
    const file = Buffer.from(member(value, 'pkcs12'), 'base64');
    if (file.at(-1) !== 0x0a) throw new Error('the newline behind the file is gone');
    return file.subarray(0, -1);
  },
};

export const forms: readonly Form[] = [
  camel,
  snake,
  tls,
  pemText('PEM text, in an order of its own', false, traditional),
  encryptedCamel,
  pemText('PEM text, with a key as step encrypts it', true, byStep),
  cloudInit,
  pkcs12,
  jsonPkcs12,
];
