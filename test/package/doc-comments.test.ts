import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const ENTRIES = ['index.d.ts', 'testing/index.d.ts'].map((name) => `${dist}${name}`);

/** What an editor shows beside the name is asked of the compiler: a comment above a symbol that its declarations lost is none. */
function undocumented(): readonly string[] {
  const program = ts.createProgram(ENTRIES, { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ['node'], skipLibCheck: true });
  const checker = program.getTypeChecker();
  const missing: string[] = [];
  const isOurs = (symbol: ts.Symbol): boolean => symbol.declarations?.some((declaration) => declaration.getSourceFile().fileName.startsWith(dist)) === true;
  const isDocumented = (symbol: ts.Symbol): boolean => symbol.getDocumentationComment(checker).length > 0;
  const isHidden = ({ name, declarations = [] }: ts.Symbol): boolean => (
    name === '#private' || declarations.some((one) => (ts.getCombinedModifierFlags(one) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0)
  );
  for (const entry of ENTRIES) {
    const file = program.getSourceFile(entry);
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${entry} is no module: build first.`);
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = (exported.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(exported) : exported;
      if (!isDocumented(symbol)) missing.push(symbol.name);
      for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
        if (isOurs(member) && !isHidden(member) && !isDocumented(member)) missing.push(`${symbol.name}.${member.name}`);
      }
    }
  }
  return missing;
}

describe('the public names', () => {
  it('have a doc comment each, and so have their members', () => {
    expect(undocumented()).toEqual([]);
  });
});
