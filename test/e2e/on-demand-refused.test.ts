/** What `aws lambda invoke` shows of a request that fails: `FunctionError`, with an `errorType` and what to do. */
import { CreateSecretCommand, PutResourcePolicyCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import { forge, issue, type LeafRequest } from '../../testkit/cas/leaf.ts';
import { client, uniqueName } from '../../testkit/local-aws/client.ts';
import { enrol, look } from '../../testkit/local-aws/enrolled.ts';
import { describeWith } from '../support/local.ts';
import { camel, hour, refusal } from '../support/on-demand.ts';

describeWith(['stack', 'step-ca'], 'a request on demand', ({ emulator, ca, outputs }) => {
  const refused = (request: unknown) => refusal(emulator, outputs['RenewFunctionName'] ?? '', request);

  describe('is refused for its own fields', () => {
    const requests: [unknown, RegExp][] = [
      [{}, /\$\.secretId: missing; expected a string/],
      ['web/tls', /expected an object/],
      [{ secretId: '' }, /\$\.secretId: found an empty string/],
      [{ secretId: 's', url: 'https://evil.example' }, /unknown field "url"/],
      [{ secretId: 's', mode: 'reissue' }, /\$\.mode: found "reissue", expected one of "rekey", "renew"/],
      [{ secretId: 's', expiresIn: '-8h' }, /\$\.expiresIn: found "-8h", expected a duration above zero/],
      [{ secretId: 's', expiresIn: '0s' }, /\$\.expiresIn is "0s": expected a duration above zero/],
      [{ secretId: 's', expiresIn: '100%' }, /between 0 and 100/],
      [{ secretId: 's', expiresIn: '8h', rekeyPeriod: '8h' }, /Keep one/],
      [{ secretId: 's', rekeyPeriod: '33%' }, /\$\.rekeyPeriod: found "33%", expected a duration/],
      [{ secretId: 's', curve: 'P-256' }, /\$\.curve is set without \$\.kty/],
      [{ secretId: 's', size: 2048 }, /\$\.size is set without \$\.kty/],
      [{ secretId: 's', kty: 'ec' }, /expected one of "EC", "OKP", "RSA"/],
      [{ secretId: 's', kty: 'RSA', size: 1024 }, /found 1024, expected at least 2048/],
      [{ secretId: 's', kty: 'RSA', size: 16384 }, /found 16384, expected at most 8192/],
      [{ secretId: 's', kty: 'RSA', curve: 'P-256' }, /\$\.kty is RSA/],
      [{ secretId: 's', kty: 'EC', size: 2048 }, /\$\.size is for RSA only/],
      [{ secretId: 's', kty: 'EC', curve: 'Ed25519' }, /\$\.kty is EC/],
      [{ secretId: 's', kty: 'OKP', curve: 'P-256' }, /\$\.kty is OKP/],
      [{ secretId: 's', mode: 'renew', kty: 'EC' }, /\$\.mode is renew, which keeps the key/],
      [{ secretId: 's', force: 'yes' }, /\$\.force: found "yes", expected a boolean/],
      [{ secretId: 's', dryRun: 1 }, /\$\.dryRun: found 1, expected a boolean/],
      [{ secretId: 's', hooks: [] }, /unknown field "hooks"/],
    ];
    it.each(requests)('%j', async (request, message) => {
      const error = await refused(request);
      expect(error.errorType).toBe('InvalidRequest');
      expect(error.errorMessage).toMatch(message);
    });
  });

  describe('is refused for its certificate', () => {
    it.each([
      [{ expiresIn: '24h' }, /^\$\.expiresIn is 24h, but the certificate is valid for 24h: expected less/],
      [{ rekeyPeriod: '24h' }, /^\$\.rekeyPeriod is 24h, but the certificate is valid for 24h: expected less/],
    ])('%j, with a validity of 24 hours', async (fields, message) => {
      const now = Date.now();
      const leaf = await issue(ca, { notBefore: new Date(now - hour), notAfter: new Date(now + 23 * hour) });
      const { arn } = await enrol(emulator, { value: camel(leaf, leaf.keyPem), name: 'refused' });
      const error = await refused({ secretId: arn, ...fields });
      expect(error.errorType).toBe('InvalidRequest');
      expect(error.errorMessage).toMatch(message);
    });

    it.each([[{ mode: 'rekey' }], [{ mode: 'rekey', kty: 'EC' }]])(
      '%j, for the certificate of a CA',
      async (fields) => {
        const isCa = { id: '2.5.29.19', critical: true, value: Buffer.from('30030101ff', 'hex') };
        const leaf = await forge(ca, { extensions: [isCa] });
        const { arn } = await enrol(emulator, { value: camel(leaf, leaf.keyPem), name: 'refused' });
        const before = await look(emulator, arn);
        const error = await refused({ secretId: arn, ...fields });
        expect(error.errorType).toBe('InvalidRequest');
        expect(error.errorMessage).toMatch(/CA certificate.*only renew is possible/);
        expect(await look(emulator, arn)).toEqual(before);
      },
    );
  });

  describe('fails', () => {
    const dates = (from: number, to: number) => {
      const now = Date.now();
      return { notBefore: new Date(now + from * hour), notAfter: new Date(now + to * hour) };
    };

    async function certificate(request: LeafRequest, profile = 'internal'): Promise<string> {
      const leaf = await forge(ca, request);
      return (await enrol(emulator, { value: camel(leaf, leaf.keyPem), profile, name: 'fails' })).arn;
    }

    const cases: [ErrorCode, RegExp, () => Promise<string>][] = [
      ['SecretNotFound', /"no\/such\/secret".*check the name or ARN/, async () => 'no/such/secret'],
      [
        'SecretNotEnrolled',
        /has no tag cert-renewer:profile\. To enrol it, add the tag with the name of a profile/,
        async () => {
          const create = new CreateSecretCommand({ Name: uniqueName('untagged'), SecretString: 'x' });
          return (await client(SecretsManagerClient, emulator).send(create)).ARN ?? '';
        },
      ],
      ['NotYetValid', /not valid before 20.*Wait until then/, () => certificate(dates(2, 26))],
      // Not backdated by step-ca's minute: the new one would end a minute earlier.
      ['CertificateRejected', /the secret was not changed: notAfter: .* is not later/, () => certificate(dates(0, 24))],
      ['CaUntrusted', /does not verify to the root of the profile/, () => certificate(dates(-22, 2), 'untrusted')],
      ['CaUnavailable', /can't be reached \(ECONNREFUSED\)/, () => certificate(dates(-22, 2), 'unreachable')],
    ];
    it.each(cases)('%s', async (errorType, message, make) => {
      const secretId = await make();
      const error = await refused({ secretId });
      expect(error.errorType).toBe(errorType);
      expect(error.errorMessage).toMatch(message);
    });

    it('WeakKey, for a given RSA key of 1024 bits', async () => {
      const weak = await certificate({ ...dates(-1, 23), key: 'RSA-1024' });
      const error = await refused({ secretId: await certificate(dates(-1, 23)), privateKey: { secretId: weak } });
      expect(error.errorType).toBe('WeakKey');
      expect(error.errorMessage).toMatch(/RSA 1024: expected at least 2048 bits/);
    });

    it('OutputExists, if the secret of out has a value, unless force is set', async () => {
      const [secretId, out] = [await certificate(dates(-1, 23)), await certificate(dates(-1, 23))];
      const before = await look(emulator, out);
      const error = await refused({ secretId, out: { secretId: out } });
      expect(error.errorType).toBe('OutputExists');
      expect(error.errorMessage).toMatch(/has a value already: use force/);
      expect(await look(emulator, out)).toEqual(before);
    });

    it('AccessDenied, if the policy of the secret itself denies it', async () => {
      const secretId = await certificate(dates(-22, 2));
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' }];
      const policy = JSON.stringify({ Version: '2012-10-17', Statement });
      await client(SecretsManagerClient, emulator).send(
        new PutResourcePolicyCommand({ SecretId: secretId, ResourcePolicy: policy }),
      );
      const error = await refused({ secretId });
      expect(error.errorType).toBe('AccessDenied');
      expect(error.errorMessage).toMatch(/refused GetSecretValue .* allow it to the function's role/);
    });
  });
});
