import { expect, it } from 'vitest'
import { needOf, rightsText, suffice, type Rights as Told } from '../../../src/console/service/needs.js'
import { Rights } from '../../../src/server/rights.js'
import { routeTable } from '../../../src/server/routes/table.js'

const routes = routeTable({} as never).filter(({ path }) => !path.startsWith('/dashboard'))

it('the console tells the rights that a route needs as the service does', () => {
  const told = routes.map(({ method, path }) => {
    const { isWrite, scope } = needOf(method, path.replace(/:(\w+)/g, '{$1}'))
    return `${method} ${path}: ${scope === 'open' ? 'open' : isWrite ? 'write' : 'read'} ${scope}`
  })
  const declared = routes.map(({ method, path, access, scope }) =>
    access === 'open' ? `${method} ${path}: open open` : `${method} ${path}: ${access} ${scope}`,
  )
  expect(told).toEqual(declared)
})

it.each(['r', 'rw', 'prw'] as const)('a token with %s is shown the routes that the service opens to it', (access) => {
  const claim = [{ collection: 'photos', access }]
  const rights = new Rights(claim)
  for (const route of routes) {
    const isOpen = (() => {
      try {
        if (route.access !== 'open') rights.check(route.access, route.scope, 'photos')
        return true
      } catch {
        return false
      }
    })()
    const need = needOf(route.method, route.path.replace(/:(\w+)/g, '{$1}'))
    const told: Told = { subject: 'eva', access: claim }
    expect(suffice(told, need, 'photos'), `${route.method} ${route.path}`).toBe(isOpen)
    if (need.scope === 'collection' || need.scope === 'extras') expect(suffice(told, need, 'other')).toBe(false)
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
