/** The shape of PEM text: certificates and one private key in any order, with any text between the blocks. */
import { count } from '../domain/count.ts';
import { RenewalError } from '../domain/errors.ts';
import type { PemBlock } from '../domain/pem.ts';
import { strayPem, tellBlock } from '../domain/pem-unread.ts';
import { findLeaves, isCertificateBlock, openCertificate, partsOf, planCertificates } from './certificates.ts';
import { applyEdits, certificateEdits, type PemEdit } from './pem-edit.ts';
import { type FoundPrivateKey, findPrivateKey, isCurveBlock, isPrivateKeyBlock } from './private-key.ts';
import type { NextContent, ReadContext, Shape, ShapeContent } from './shape.ts';

/** Blocks in the files of some TLS servers that depend on no key. */
const untouchedLabels: ReadonlySet<string> = new Set(['DH PARAMETERS', 'X9.42 DH PARAMETERS']);

export const pemText: Shape<'pem'> = {
  name: 'pem',
  expected: 'PEM text with certificates and one private key',
  recognise(document) {
    if (document.kind !== 'pem') return undefined;
    return (context) => readPemText(document.text, document.blocks, context);
  },
};

async function readPemText(text: string, blocks: readonly PemBlock[], context: ReadContext): Promise<ShapeContent> {
  const certificateBlocks = blocks.filter(isCertificateBlock);
  checkBlocks(text, blocks, certificateBlocks.length);
  const key = await findPrivateKey(blocks, 'The PEM text', context);
  const found = certificateBlocks.map(({ der }, i) => openCertificate(der, `Certificate ${i + 1} of the PEM text`));
  const parts = partsOf(found, findLeaves(found, key.privateKey) ?? { leaf: new Uint8Array(), formers: [] });
  const place = { kind: 'leaf', certificates: found.map(({ der }) => der) } as const;
  return {
    leaf: parts.leaf,
    chain: parts.others,
    key: { kind: 'private', privateKey: key.privateKey },
    needsPassword: key.encrypted,
    rest: textBeside(text, blocks),
    async write(next) {
      const plans = planCertificates([place], parts, next);
      const certificates = plans.flatMap((plan) => certificateEdits(certificateBlocks, plan));
      return applyEdits(text, [...certificates, ...(await keyEdits(key, next))]);
    },
  };
}

/** Returns the text between the blocks. White space is left out, because it depends on the number of blocks. */
function textBeside(text: string, blocks: readonly PemBlock[]): string {
  const parts = blocks.map(({ start }, i) => text.slice(blocks[i - 1]?.end ?? 0, start));
  return [...parts, text.slice(blocks.at(-1)?.end ?? 0)].join('').replace(/\s+/g, '');
}

function checkBlocks(text: string, blocks: readonly PemBlock[], certificates: number): void {
  const stray = strayPem(text, blocks);
  if (stray !== undefined) {
    throw new RenewalError(
      'UnsupportedSecret',
      `PEM text with ${stray}: expected each block on lines of its own, in YAML as a block scalar (key: |).`,
    );
  }
  const keys = blocks.filter(isPrivateKeyBlock).length;
  const others = blocks.filter((block) => !isKnown(block));
  if (certificates > 0 && keys === 1 && others.length === 0) return;
  const names = [...new Set(others.map(({ label }) => tellBlock(label)))].slice(0, 3).join(', ');
  const strangers = others.length === 0 ? '' : `, and ${count(others.length, 'block')} of another kind (${names})`;
  throw new RenewalError(
    'UnsupportedSecret',
    `PEM text with ${count(certificates, 'certificate')} and ${count(keys, 'private key')}${strangers}: expected one or more certificates and one private key.`,
  );
}

function isKnown(block: PemBlock): boolean {
  return (
    isCertificateBlock(block) || isPrivateKeyBlock(block) || isCurveBlock(block) || untouchedLabels.has(block.label)
  );
}

async function keyEdits(key: FoundPrivateKey, next: NextContent): Promise<PemEdit[]> {
  if (next.key === undefined) return [];
  if (next.key.kind === 'private') return key.exchange(next.key.privateKey);
  throw new RenewalError(
    'UnsupportedSecret',
    'PEM text has no field for a KMS key: expected a JSON shape, which has kmsKeyId instead of the private key.',
  );
}
