/** The public API: what `import … from 'cert-renewer'` finds. docs/api.md is made from it (npm run api). */
export type { ICertificateAuthority } from './authorities/authority-interface.ts';
export { CertRenewer, type CertRenewerProps } from './cert-renewer.ts';
export type { CertificateBinding, ICertRenewer } from './certificates/binding.ts';
export { Certificate, type CertificateProps } from './certificates/certificate.ts';
export type { EnrollableSecret, EnrolOptions } from './certificates/enrolment.ts';
export { ConfigError, type Problem } from './config/config-error.ts';
export type * from './config/options.ts';
export type { VpcPlacement } from './functions/network.ts';
export { Observable } from './observe/observable.ts';
export type { ProfileMetric } from './observe/profile-metric.ts';
export { CertRenewerStack, type CertRenewerStackProps } from './stack.ts';
