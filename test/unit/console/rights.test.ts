import { expect, it } from 'vitest'
import { rightsText, suffice, type Rights as Told } from '../../../src/console/service/access.js'
import { Rights } from '../../../src/server/rights.js'
import { routeTable } from '../../../src/server/routes/table.js'

it.each(['r', 'rw', 'prw'] as const)('a token with %s is shown the routes that the service opens to it', (access) => {
  const claim = [{ collection: 'photos', access }]
  const rights = new Rights(claim)
  const told: Told = { subject: 'eva', access: claim }
  for (const { method, path, access: needed, scope } of routeTable({} as never)) {
    if (needed === 'cluster') continue
    const isOpen = (() => {
      try {
        if (needed !== 'open') rights.check(needed, scope, 'photos')
        return true
      } catch {
        return false
      }
    })()
    const need = { access: needed, scope }
    expect(suffice(told, need, 'photos'), `${method} ${path}`).toBe(isOpen)
    const isOfOne = needed !== 'open' && (scope === 'collection' || scope === 'extras')
    if (isOfOne) expect(suffice(told, need, 'other'), `${method} ${path}`).toBe(false)
  }
})

it('rights are told in words, with the first collections by name', () => {
  expect(rightsText({ subject: '', access: 'm' })).toBe('may do everything')
  expect(rightsText({ subject: '', access: [] })).toBe('may do nothing')
  const access = ['a', 'b', 'c', 'd', 'e'].map((collection) => ({ collection, access: 'r' as const }))
  expect(rightsText({ subject: '', access: [...access, { collection: 'x', access: 'prw' }] })).toBe(
    'reads a, b, c, 2 more; writes points of x',
  )
})
