/** Imports certificates into ACM, for load balancers, CloudFront and API Gateway. */
import type { CertificateImporter } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';
import { clientByArn } from './regions.ts';

const arnForm = { what: 'a certificate in ACM', form: 'arn:aws:acm:<region>:<account>:certificate/<id>' };

/**
 * Returns a CertificateImporter. Its client is loaded with the first import. It imports into the Region of the certificate's ARN, not the
 * stack's: CloudFront only uses certificates in us-east-1.
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
            CertificateArn: certificateArn, // without it ACM would create another certificate
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
