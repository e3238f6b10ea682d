"""The configuration that tests of answers begin with."""

APP = '[app.main]\ntarget = "answers_app:app"\nworkers = 2\n[[route]]\npath = "/*"\napp = "main"\n'
