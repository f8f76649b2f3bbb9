"""A process under systemd: the unit, the program, and a stand-in for systemd to try it with.

``service.py`` is the program, ``thermostat.service`` its unit, and ``listen.py`` plays systemd:
it shows what systemd would hear, on any Unix. ``deploy/`` has a unit that also confines
its process.
"""
