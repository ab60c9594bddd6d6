"""Conformance: stratocube against recorded inputs and outputs of the reference implementation.

``python -m tests.conformance [DIR]`` runs every case of a directory of golden cases (``<function>/<case id>.json`` with
its arrays, rasters and corrections) and prints one line a case; without DIR it runs the packed copy of this folder,
``golden.tar.xz``. The exit code is 1 when a case fails or none is found. A case nobody can run fails too.

Room by room::

    archive.py        pack and unpack golden.tar.xz
    cases.py          find cases, decode arrays, corrections
    expectations.py   what a case asks for: ``expect``, ``corrected``, ``differs_in``, ``accept``
    tolerances.py     how closely: the ``tolerance`` field
    compare.py        values against values, with the path of the first difference
    rules.py          functions whose outputs need more than field-by-field comparison
    runner.py         one case: adapter, expectation, verdict
    adapters/         golden function name → call of the project's public functions

An adapter module exports ``ADAPTERS: dict[str, Adapter]``: golden function name →
``adapter(input, cases_root)``.

* ``input`` is the case's ``input``, decoded: arrays are numpy, masked arrays ``numpy.ma``, the texts NaN and
  Infinity are floats, files stay text relative to ``cases_root``. The adapter may change files below
  ``cases_root``: the runner works on a copy.
* The result is a mapping in the shape of the case's ``output``. Every field that the case states must be
  there, more are ignored. Not asked for: ``exact``, ``exact_*``, ``*_exact``, ``executed`` (helps for
  comparing), ``first_overview``, ``order`` (text), ``tiles_of_reference_that_miss_the_box``.
* ``create_grids`` always gives all ``tiles`` of a grid (``[{"name", "bounds"}]``), however many; the
  runner picks the sample.
* Where a case expects an error, the call must raise a :class:`stratocube.errors.StratocubeError`. Any other
  exception is a bug and fails the case.
"""
