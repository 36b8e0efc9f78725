import { freshSeeds } from './fresh.ts';

freshSeeds(0);
