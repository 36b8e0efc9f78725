/** Reads the credentials of the external account bindings of ACM's ACME endpoints. */
import { type CallPolicy, call } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { AccountBinding, AccountBindings } from '../domain/ports.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';
import { clientByArn } from './regions.ts';

const arnForm = {
  what: 'an external account binding of ACM',
  form: 'arn:aws:acm:<region>:<account>:acme-endpoint/<id>/acme-external-account-binding/<id>',
};
const action = 'GetAcmeExternalAccountBindingCredentials';

/**
 * Returns AccountBindings for each invocation. The client is loaded with the first binding. A binding is in the Region of its endpoint, which
 * its ARN names.
 */
export function acmBindings(options: AwsOptions = {}): (policy: CallPolicy) => AccountBindings {
  const sdk = once(() => import('./sdk/acm-bindings.ts'));
  const clientOf = clientByArn(arnForm, async (region) => {
    const { ACMClient } = await sdk();
    return new ACMClient(clientConfig({ ...options, region }));
  });

  async function find(bindingArn: string): Promise<AccountBinding> {
    try {
      const client = await clientOf(bindingArn);
      const { GetAcmeExternalAccountBindingCredentialsCommand } = await sdk();
      const command = new GetAcmeExternalAccountBindingCredentialsCommand({
        AcmeExternalAccountBindingArn: bindingArn,
      });
      const { KeyId: keyId, MacKey: macKey } = await client.send(command);
      if (keyId && macKey) return { keyId, macKey };
    } catch (thrown) {
      throw awsError(thrown, { service: 'acm', action, resource: bindingArn });
    }
    throw new RenewalError(
      'InvalidRequest',
      `ACM has no credentials for the external account binding ${bindingArn}: it may be expired or revoked. Create another, name it in the profile, and deploy.`,
    );
  }

  return (policy) => ({ find: (bindingArn) => call(policy, 'binding', () => find(bindingArn)) });
}
