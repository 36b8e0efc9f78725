import { freshSeeds } from './fresh.ts';

freshSeeds(1);
