import { fileURLToPath } from 'node:url'
import ts from 'typescript-api'
import { expect, test } from 'vitest'

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url))
const ENTRIES = ['index.ts', 'client/index.ts']

const program = ts.createProgram(
  ENTRIES.map((entry) => SOURCE + entry),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true, types: ['node'] },
)
const checker = program.getTypeChecker()

function original(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function exportsOf(entry: string): Set<ts.Symbol> {
  const file = program.getSourceFile(SOURCE + entry) as ts.SourceFile
  return new Set(checker.getExportsOfModule(checker.getSymbolAtLocation(file) as ts.Symbol).map(original))
}

/** Types of our own that the declarations of these symbols name. Bodies of functions and private members name none. */
function namedBy(symbols: Set<ts.Symbol>): Map<string, ts.Symbol> {
  const named = new Map<string, ts.Symbol>()
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node)) return
    const member = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined
    if (member?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : null
    const symbol = name && checker.getSymbolAtLocation(name)
    if (symbol) {
      const found = original(symbol)
      const isParameter = (found.flags & ts.SymbolFlags.TypeParameter) !== 0
      const file = found.declarations?.[0]?.getSourceFile().fileName ?? ''
      if (!isParameter && file.startsWith(SOURCE)) named.set(found.name, found)
    }
    ts.forEachChild(node, visit)
  }
  for (const symbol of symbols) {
    for (const declaration of symbol.declarations ?? []) {
      const isType = ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)
      if (isType || ts.isFunctionDeclaration(declaration) || ts.isClassDeclaration(declaration)) visit(declaration)
    }
  }
  return named
}

test.each(ENTRIES)('%s exports every type that its own types name', (entry) => {
  const exported = exportsOf(entry)
  expect(exported.size).toBeGreaterThan(100)
  const missing = [...namedBy(exported)].filter(([, symbol]) => !exported.has(symbol)).map(([name]) => name)
  expect(missing).toEqual([])
})

test('both entries export the same types, but for their own', () => {
  const [library, client] = ENTRIES.map((entry) => new Set([...exportsOf(entry)].map(({ name }) => name)))
  const onlyIn = (one: Set<string> | undefined, other: Set<string> | undefined) =>
    [...(one ?? [])].filter((name) => !other?.has(name)).sort()
  const ownOfLibrary = ['CollectionIssue', 'LIMITS', 'OpenOptions', 'OpenTelemetryTracer', 'StoreOptions', 'open']
  expect(onlyIn(library, client)).toEqual(ownOfLibrary)
  expect(onlyIn(client, library)).toEqual(['ConnectOptions', 'connect'])
})
