/** What cdk/ sets, as the benchmark needs it: test/cdk/ sees that it is the same. Memory in MB, times in milliseconds. */
export const settings = {
  workerMemory: 1024,
  workerTimeout: 90_000,
  scanMemory: 512,
  /** Messages in a batch, and batches at once. */
  batchSize: 10,
  maxConcurrency: 10,
  visibilityTimeout: 300_000,
};

export const { workerMemory, workerTimeout, scanMemory, batchSize, maxConcurrency, visibilityTimeout } = settings;

/** MB of the other functions, by their names in the tables. */
export const otherMemory = { inventory: 512, API: 1024, hook: 512 } as const;

/** Seconds between two scans, where the configuration says nothing else. */
export const scanEvery = 3_600;
