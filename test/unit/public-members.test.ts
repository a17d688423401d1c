import { fileURLToPath } from 'node:url'
import ts from 'typescript-api'
import { expect, test } from 'vitest'

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url))
const ENTRIES = ['index.ts', 'client/index.ts']
/** Filters have the wire's shape, which docs/filters.md describes. */
const ELSEWHERE = ['core/filter.ts']

/** Public names and members of our own without a description. A declared field has its description in the schema. */
function undescribed(): string[] {
  const program = ts.createProgram(
    ENTRIES.map((entry) => SOURCE + entry),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true, types: ['node'] },
  )
  const checker = program.getTypeChecker()
  const isDescribed = (symbol: ts.Symbol) => symbol.getDocumentationComment(checker).length > 0
  const isOurs = (node: ts.Node) => {
    const { fileName } = node.getSourceFile()
    return fileName.startsWith(SOURCE) && !ELSEWHERE.includes(fileName.slice(SOURCE.length))
  }
  const found = new Set<string>()
  for (const entry of ENTRIES) {
    const file = program.getSourceFile(SOURCE + entry) as ts.SourceFile
    for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(file) as ts.Symbol)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      for (const declaration of symbol.declarations ?? []) {
        if (!isOurs(declaration)) continue
        const members = ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)
        if (!members) continue
        if (!isDescribed(symbol)) found.add(symbol.name)
        for (const member of declaration.members) {
          const name = member.name && ts.isIdentifier(member.name) ? member.name.text : null
          const isPrivate = (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0
          const of = name && !isPrivate ? checker.getSymbolAtLocation(member.name as ts.Node) : undefined
          if (of && !isDescribed(of)) found.add(`${symbol.name}.${name}`)
        }
      }
    }
  }
  return [...found].sort()
}

test('every public interface and member has a description', () => {
  expect(undescribed()).toEqual([])
})
