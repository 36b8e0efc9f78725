/** Settings of cdk/ that the benchmark needs. test/cdk/ compares them. Memory in MB, times in milliseconds. */
export const settings = {
  workerMemory: 1024,
  workerTimeout: 90_000,
  scanMemory: 512,
  /** Messages in a batch, and concurrent batches. */
  batchSize: 10,
  maxConcurrency: 10,
  visibilityTimeout: 300_000,
};

export const { workerMemory, workerTimeout, scanMemory, batchSize, maxConcurrency, visibilityTimeout } = settings;

/** Memory of the other functions in MB, by their names in the tables. */
export const otherMemory = { inventory: 512, API: 1024, hook: 512 } as const;

/** Seconds between two scans by default. */
export const scanEvery = 3_600;
