import fc from 'fast-check';

/** One seed for all properties, so that a red test speaks of the change at hand; another explores further. */
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 20_261_128) });
