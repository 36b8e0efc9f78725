/** What cdk/ sets, as the benchmark needs it; test/cdk/template.test.ts sees that it is the same. */

/** MB. */
export const workerMemory = 1024;
export const scanMemory = 512;
export const inventoryMemory = 512;
export const hookMemory = 256;
export const caApiMemory = 512;
/** Messages in a batch, and batches at once. */
export const batchSize = 10;
export const maxConcurrency = 10;
/** Milliseconds. */
export const workerTimeout = 90_000;
export const visibilityTimeout = 300_000;
/** Seconds between two scans, where the configuration says nothing else. */
export const scanEvery = 3_600;
