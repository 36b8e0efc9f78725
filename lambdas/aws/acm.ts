/** Certificates in ACM, for what reads them there: load balancers, CloudFront, API Gateway. */
import type { CertificateImporter } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';
import { clientByArn } from './regions.ts';

const arnForm = { what: 'a certificate in ACM', form: 'arn:aws:acm:<region>:<account>:certificate/<id>' };

/**
 * A CertificateImporter whose client is loaded with the first import. A certificate is in the Region that its ARN names,
 * whatever Region the stack is in: CloudFront takes those of us-east-1 alone.
 */
export function acmImporter(options: AwsOptions = {}): CertificateImporter {
  const sdk = once(() => import('./sdk/acm.ts'));
  const clientOf = clientByArn(arnForm, async (region) => {
    const { ACMClient } = await sdk();
    return new ACMClient(clientConfig({ ...options, region }));
  });
  return {
    async import(certificateArn, { certificate, privateKey, chain }) {
      try {
        const client = await clientOf(certificateArn);
        const { ImportCertificateCommand } = await sdk();
        await client.send(
          new ImportCertificateCommand({
            CertificateArn: certificateArn, // without it ACM would make another one
            Certificate: Buffer.from(certificate),
            PrivateKey: Buffer.from(privateKey),
            ...(chain !== '' && { CertificateChain: Buffer.from(chain) }),
          }),
        );
      } catch (thrown) {
        throw awsError(thrown, { service: 'acm', action: 'ImportCertificate', resource: certificateArn });
      }
    },
  };
}
