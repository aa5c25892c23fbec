// For `require('prefork-tcp-server/testing')` from CommonJS, as jest runs tests; the types are those of the ES module.
export type * from './testing/index.js' with { 'resolution-mode': 'import' };
// eslint-disable-next-line @typescript-eslint/consistent-type-imports, @typescript-eslint/no-unsafe-assignment -- in CommonJS there is no other way to an ES module's types
type Testing = typeof import('./testing/index.js', { with: { 'resolution-mode': 'import' } });
export declare const startPool: Testing['startPool'];
