"""The local web application: a folder opened in a browser, moved by sliders, fitted, believed.

`serve` listens on this machine alone; `doorway` decides who may enter; `page` is what is seen, a screen a
file in `screens/`. What a tab knows of a device is its `session`; what it changes is the folder's
device.toml, so that the command line does the same. No science is here: the screens stand on
`memfit.workflow` and on the curves of `memfit.reporting`.
"""
