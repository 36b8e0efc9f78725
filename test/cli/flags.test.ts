import ts from 'typescript-api';
import { describe, expect, it } from 'vitest';
import { flagOf, inFlags } from '../../cli/flags.ts';
import { codeBelow, nodesOf, parse } from '../support/sources.ts';

describe('inFlags', () => {
  it.each([
    ['Paused by the tag x. Use force to renew it anyway.', /cert-renewer renew --force renews it anyway\.$/],
    ['The next try is at 8. Use force to try now.', /cert-renewer renew tries now\.$/],
    [
      'To renew it now, use force, or leave out expiresIn and rekeyPeriod.',
      /use --force, .* --expires-in and --rekey-p/,
    ],
    ['$.privateKey has a fixed type of key: remove $.kty.', /^--private-key has .*: remove --kty\.$/],
    ['$.out.secretId: missing. See docs/invoke.md.', /^--out: missing\.$/],
    ['$.secretId: found a string.', /^the name: found a string\.$/],
    ['Correct expiresIn of the profile ("expiresIn").', /^Correct --expires-in of the profile \("expiresIn"\)\.$/],
  ])('%s', (message, words) => {
    expect(inFlags(message)).toMatch(words);
  });

  it('names the options of declare', () => {
    expect(['dnsNames', 'ipAddresses', 'kmsKeyId'].map(flagOf)).toEqual(['--dns', '--ip', '--kms-key-id']);
  });

  it('knows every message of the worker and the scan that names a field of a request', () => {
    const messages = codeBelow('lambdas/policy', 'lambdas/renewal').flatMap((path) =>
      nodesOf(parse(path)).flatMap(messageIn),
    );
    const ofFields = messages.filter((message) => field.test(message));
    expect(ofFields.length).toBeGreaterThan(10);
    expect(ofFields.filter((message) => field.test(inFlags(message)))).toEqual([]);
  });
});

/** A field of a request, where its name is no word of English. */
const field = /(?<!-)\b[Uu]se force\b|\$\.[a-z]|(?<![\w.$"-])(?:expiresIn|rekeyPeriod|dryRun|privateKey)\b/;

/** Returns the text of a message with a word in place of each value. Other texts are names, or no sentences. */
function messageIn(node: ts.Node): string[] {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return sentence(node.text);
  if (!ts.isTemplateExpression(node)) return [];
  return sentence([node.head.text, ...node.templateSpans.map(({ literal }) => `out${literal.text}`)].join(''));
}

const sentence = (text: string): string[] => (/^\S+ \S+ \S+/.test(text) ? [text] : []);
