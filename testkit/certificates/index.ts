/** The one builder of certificates and keys for tests, the demo and the benchmark. */
export * from './certificate.ts';
export * from './der.ts';
export * from './extensions.ts';
export * from './hierarchy.ts';
export * from './keys.ts';
export * from './leaf.ts';
export * from './names.ts';
export * from './public-leaf.ts';
