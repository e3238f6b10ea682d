"""The Python side of Labcoat: what runs in the interpreter that runs your application.

Nothing here is meant to be called by applications; docs/wsgi.md says what they see. The `labcoat`
program starts `labcoat.zygote` in the interpreter of the application.
"""
