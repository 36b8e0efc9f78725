#!/usr/bin/env node
// Stands in for the AWS CLI in tests of the README's steps. It makes their one call, `aws secretsmanager get-secret-value`, with the SDK.
import { parseArgs } from 'node:util';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const text = { type: 'string' };
const { values, positionals } = parseArgs({
  options: { 'secret-id': text, query: text, output: text },
  allowPositionals: true,
});
if (
  positionals.join(' ') !== 'secretsmanager get-secret-value' ||
  values.query !== 'SecretString' ||
  values.output !== 'text'
) {
  throw new Error(
    `the test knows no other call than aws secretsmanager get-secret-value: ${process.argv.slice(2).join(' ')}`,
  );
}
const answer = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: values['secret-id'] }));
process.stdout.write(`${answer.SecretString}\n`);
