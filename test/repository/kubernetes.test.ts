import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

/** What the test uses of the parser: the browser's driver brings one, and has no types for it. */
interface Yaml {
  parseAllDocuments(text: string): { readonly errors: readonly Error[]; readonly warnings: readonly Error[]; toJS(): unknown }[];
}
const { yaml } = createRequire(import.meta.url)('playwright-core/lib/utilsBundle') as { yaml: Yaml };

const text = readFileSync(new URL('../../examples/kubernetes/deployment.yaml', import.meta.url), 'utf8');

interface Manifest {
  readonly kind: string;
  readonly spec: { readonly template: { readonly spec: { readonly terminationGracePeriodSeconds: number } } };
}

describe('examples/kubernetes', () => {
  const documents = yaml.parseAllDocuments(text);
  const manifests = documents.map((document) => document.toJS() as Manifest);

  it('is YAML without an error or a warning', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings].map(String))).toEqual([]);
    expect(manifests.map(({ kind }) => kind)).toEqual(['Deployment', 'Service', 'ScaledObject']);
  });

  it('gives a pod the time that its options need', () => {
    const [, delay, grace] = /ShutdownDelay: (\d+), GraceExpireTime: (\d+)/.exec(text) ?? [];

    expect(manifests[0]?.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(delay) + Number(grace) + 5);
  });
});
